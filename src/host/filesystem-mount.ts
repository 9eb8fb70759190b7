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
 * Mounts the filesystem of a device. Throws CommandError; on a timeout only the mount table can say whether the mount
 * came about all the same.
 */
export async function mountFilesystem(
  { device, type, target, options, timeoutMs }: FilesystemMount,
  exec: Run = run,
): Promise<void> {
  const given = options.length === 0 ? [] : ['-o', options.join(',')];
  // -c, -n and -i: no look at the paths, at /run/mount or for a helper before the system call.
  await exec('mount', ['-c', '-n', '-i', '-t', type, ...given, '--', device, target], { timeoutMs });
}
