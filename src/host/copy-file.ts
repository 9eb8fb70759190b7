import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';

export interface CopyOptions {
  /** For sharing blocks. */
  readonly cloneMs: number;
  /** For copying what cannot be shared. */
  readonly copyMs: number;
}

/**
 * Copies a file's content over another one. `cloned`: both share their blocks, as of one moment (ioctl_ficlone(2); on
 * NFS the server does it, RFC 7862, CLONE). `copied`: read and written by this machine, one piece after the other;
 * holes stay holes. In child processes, since either may take long. Throws CommandError.
 */
export async function copyFile(
  from: string,
  to: string,
  { cloneMs, copyMs }: CopyOptions,
  exec: Run = run,
): Promise<'cloned' | 'copied'> {
  try {
    await exec('cp', ['--reflink=always', '--', from, to], { timeoutMs: cloneMs });
    return 'cloned';
  } catch (error) {
    if (!(error instanceof CommandError) || error.timedOut) throw error;
  }
  await exec('cp', ['--reflink=never', '--sparse=always', '--', from, to], { timeoutMs: copyMs });
  return 'copied';
}
