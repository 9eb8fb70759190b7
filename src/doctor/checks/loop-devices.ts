import { statSync } from 'node:fs';
import type { DoctorContext } from '../context.ts';
import { type Check, ok, warn } from '../finding.ts';
import { isInstalled } from './mount-helpers.ts';

const why = 'Volumes with a filesystem of their own and block volumes need them; shared directories do not.';

export const loopDevices: Check<DoctorContext> = {
  name: 'loop-devices',
  async run({ mode }) {
    if (mode === 'controller') return ok('The driver here is a controller, which needs no loop devices.');
    if (statSync('/dev/loop-control', { throwIfNoEntry: false })?.isCharacterDevice() !== true) {
      return warn(
        `There are no loop devices. ${why}`,
        "Load the kernel module loop, and mount the host's /dev.",
      );
    }
    if (!isInstalled('losetup')) {
      return warn(`The program losetup is missing. ${why}`, 'Install util-linux (in Debian mount).');
    }
    return ok('There are loop devices.');
  },
};
