import { CommandError } from './command-error.ts';

/** How the messages of the C library name an errno (strerror(3), LC_ALL=C). */
const messages: readonly (readonly [message: string, code: string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['File too large', 'EFBIG'],
  // Of one file that somebody removed; of the pool it would be ESTALE for a call of this process.
  ['Stale file handle', 'EIO'],
  ['Input/output error', 'EIO'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Read-only file system', 'EROFS'],
  ['No such file or directory', 'ENOENT'],
];

/**
 * What a command failed with, as the error of the system call that it names: for those who go by the errno. A command
 * that took too long is EIO, as on a soft mount. Anything else is returned as it is.
 */
export function asSystemError(error: unknown): unknown {
  if (!(error instanceof CommandError)) return error;
  const named = messages.find(([message]) => error.stderr.includes(message))?.[1];
  const code = named ?? (error.timedOut ? 'EIO' : undefined);
  if (code === undefined) return error;
  return Object.assign(new Error(error.shortMessage, { cause: error }), { code });
}
