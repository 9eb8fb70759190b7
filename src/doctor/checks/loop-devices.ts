import { statSync } from 'node:fs';
import type { DoctorContext } from '../context.ts';
import { type Check, ok, warn } from '../finding.ts';
import { isInstalled } from './mount-helpers.ts';

/** What attaching, making, checking and growing them takes. */
const programs = [
  ...['losetup', 'blockdev', 'blkid', 'fallocate', 'truncate', 'cmp', 'cp'],
  ...['mkfs.ext4', 'dumpe2fs', 'e2fsck', 'resize2fs', 'mkfs.xfs', 'xfs_growfs', 'xfs_io'],
];

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
    const missing = programs.filter((program) => !isInstalled(program));
    if (missing.length > 0) {
      return warn(
        `There are loop devices, but these programs are missing: ${missing.join(', ')}. ${why}`,
        'Install util-linux (in Debian mount, too), diffutils, e2fsprogs and xfsprogs, or use the image of Berth.',
      );
    }
    return ok('There are loop devices, and the programs for what is on them.');
  },
};
