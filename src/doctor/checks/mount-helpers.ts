import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { commandPath } from '../../host/run.ts';
import { type DoctorContext, hasNfs } from '../context.ts';
import { type Check, fail, ok } from '../finding.ts';

const always = ['mount', 'umount', 'stat'];

export const mountHelpers: Check<DoctorContext> = {
  name: 'mount-helpers',
  async run(context) {
    const needed = hasNfs(context) ? [...always, 'mount.nfs'] : always;
    const missing = needed.filter((program) => !isInstalled(program));
    if (missing.length === 0) return ok(`The programs ${needed.join(', ')} are installed.`);
    return fail(
      `Not found in ${commandPath}: ${missing.join(', ')}.`,
      'Install the packages mount, coreutils and nfs-common (nfs-utils), or use the image of Berth.',
    );
  },
};

/** Where the driver's commands are looked for, whatever PATH this process has. */
export function isInstalled(program: string): boolean {
  return commandPath.split(':').some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
