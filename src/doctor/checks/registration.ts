import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { endpointDoubt } from '../../registration/registration-dir.ts';
import { connectUnix } from '../connect-unix.ts';
import type { DoctorContext } from '../context.ts';
import { type Check, fail, ok, warn } from '../finding.ts';

export const registration: Check<DoctorContext> = {
  name: 'registration',
  async run({ registrationSocket: socket, endpoint, mode, timeoutMs }) {
    if (mode === 'controller')
      return ok('The driver here is a controller, which is not registered with kubelet.');
    if (socket === undefined) return ok('No --registration-dir was given; a sidecar registers the driver.');
    const directory = dirname(socket);
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
      return fail(
        `There is no ${directory}.`,
        "Mount kubelet's folder plugins_registry there, or correct --registration-dir.",
      );
    }
    const problem = await connectUnix(socket, timeoutMs);
    if (problem !== undefined) {
      return fail(
        `The driver does not offer itself on ${socket}: ${problem}.`,
        'Start the driver with this --registration-dir.',
      );
    }
    const doubt = endpoint === undefined ? undefined : endpointDoubt(socket, endpoint);
    if (doubt !== undefined) return warn(`${doubt.charAt(0).toUpperCase()}${doubt.slice(1)}.`);
    return ok(`The driver offers itself to kubelet on ${socket}; its log says whether kubelet took it.`);
  },
};
