import { CommandError } from './command-error.ts';
import { DamagedFilesystemError, DirtyFilesystemError } from './filesystem.ts';
import { type Run, run } from './run.ts';

export interface FilesystemMount {
  /** A block device. */
  readonly device: string;
  readonly type: string;
  /** An existing directory. */
  readonly target: string;
  readonly options: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Mounts the filesystem of a device. Throws DamagedFilesystemError, DirtyFilesystemError and CommandError; on a timeout only the mount table can say whether the mount
 * came about all the same.
 */
export async function mountFilesystem(
  { device, type, target, options, timeoutMs }: FilesystemMount,
  exec: Run = run,
): Promise<void> {
  const given = options.length === 0 ? [] : ['-o', options.join(',')];
  // -c, -n and -i: no look at the paths, at /run/mount or for a helper before the system call.
  try {
    await exec('mount', ['-c', '-n', '-i', '-t', type, ...given, '--', device, target], { timeoutMs });
  } catch (error) {
    const told = error instanceof CommandError ? error.stderr : '';
    // EUCLEAN, and EROFS, which mount(8) says in words of its own.
    if (/Structure needs cleaning/.test(told)) throw new DamagedFilesystemError({ cause: error });
    if (options.includes('ro') && /read-only/i.test(told)) throw new DirtyFilesystemError({ cause: error });
    throw error;
  }
}
