import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';

/** The filesystems that images are given. */
export type FilesystemType = 'ext4' | 'xfs';

/** A filesystem that its checker could not put right by itself, or would not. */
export class DamagedFilesystemError extends Error {
  constructor(options: { cause: unknown }) {
    super('the filesystem is damaged', options);
    this.name = 'DamagedFilesystemError';
  }
}

/** A filesystem whose journal has to be replayed before it can be mounted, on a device that takes no writes. */
export class DirtyFilesystemError extends Error {
  constructor(options: { cause: unknown }) {
    super('the filesystem has a journal to be replayed', options);
    this.name = 'DirtyFilesystemError';
  }
}

interface FilesystemOptions {
  /** Milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Neither is forced. But mke2fs refuses a device with something on it only where it can ask a person: that it is blank
 * is proven before (device-content.ts). The space stays thin (no discard, no zeros).
 */
const makers: Readonly<Record<FilesystemType, readonly string[]>> = {
  ext4: ['mkfs.ext4', '-q', '-m', '0', '-E', 'nodiscard,lazy_itable_init=1,lazy_journal_init=1', '--'],
  xfs: ['mkfs.xfs', '-q', '-K', '--'],
};

/** Makes a filesystem on a device that was proven blank before. Throws CommandError. */
export async function makeFilesystem(
  device: string,
  type: FilesystemType,
  { timeoutMs }: FilesystemOptions,
  exec: Run = run,
): Promise<void> {
  const [maker = '', ...args] = makers[type];
  await exec(maker, [...args, device], { timeoutMs });
}

/**
 * Checks a filesystem that is not mounted, and repairs what needs no decision (e2fsck(8), -p): a clean one costs a look
 * at its superblock. XFS replays its log when it is mounted and has nothing to be done before (fsck.xfs(8)). Throws
 * DamagedFilesystemError, CommandError.
 */
export async function checkFilesystem(
  device: string,
  type: FilesystemType,
  { timeoutMs }: FilesystemOptions,
  exec: Run = run,
): Promise<void> {
  if (type === 'xfs') return;
  try {
    await exec('e2fsck', ['-p', '--', device], { timeoutMs });
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === undefined) throw error;
    // A sum: 1 for errors that were corrected, 2 for the advice to restart then, which is for a mounted root.
    if (error.exitCode <= 3) return;
    if ((error.exitCode & 4) !== 0) throw new DamagedFilesystemError({ cause: error });
    throw error;
  }
}

/** Makes a mounted filesystem as large as its device. One that is so already is left as it is. Throws CommandError. */
export async function growFilesystem(
  { device, mountPoint }: { readonly device: string; readonly mountPoint: string },
  type: FilesystemType,
  { timeoutMs }: FilesystemOptions,
  exec: Run = run,
): Promise<void> {
  if (type === 'ext4') await exec('resize2fs', [device], { timeoutMs });
  else await exec('xfs_growfs', ['-d', mountPoint], { timeoutMs });
}
