import { readFileSync } from 'node:fs';
import { CommandError } from '../../host/command-error.ts';
import { type DoctorContext, hasNfs } from '../context.ts';
import { type Check, fail, ok, warn } from '../finding.ts';

const advice = 'Load the kernel modules nfs and nfsv4 on the host, or install a kernel that has them.';

export const kernelNfs: Check<DoctorContext> = {
  name: 'kernel-nfs',
  async run(context) {
    if (!hasNfs(context)) return ok('No pool needs an NFS client.');
    if (/\bnfs4?$/m.test(readFileSync('/proc/filesystems', 'utf8'))) {
      return ok('The kernel has an NFS client.');
    }
    try {
      await context.exec('modprobe', ['--dry-run', '--quiet', 'nfs'], { timeoutMs: context.timeoutMs });
      return ok('The kernel has an NFS client, which it loads with the first mount.');
    } catch (error) {
      if (error instanceof CommandError && error.exitCode !== undefined) {
        return fail('The kernel has no NFS client.', advice);
      }
      // In a container there is no modprobe, and the host's modules are not seen.
      return warn(
        'The kernel has no NFS client loaded; the first mount loads it where it is installed.',
        `If a pool cannot be mounted for it: ${advice}`,
      );
    }
  },
};
