import { type Run, run } from './run.ts';

/** A file system may keep something of its own for a file in which nothing was written (ZFS), or its last block. */
const ownBytes = 16n * 1024n;

/**
 * Whether anything was ever written to a file: the space that it takes, or where that is reserved, its data map
 * (lseek(2), SEEK_DATA; on NFS since 4.2, RFC 7862) tells. True also where neither can tell. Throws CommandError.
 */
export async function mayHaveData(
  file: string,
  { timeoutMs }: { readonly timeoutMs: number },
  exec: Run = run,
): Promise<boolean> {
  const [blocks = '', blockSize = ''] = (
    await exec('stat', ['--format=%b %B', '--', file], { timeoutMs })
  ).split(' ');
  if (BigInt(blocks) * BigInt(blockSize) <= ownBytes) return false;
  const map = await exec('xfs_io', ['-r', '-c', 'seek -d 0', file], { timeoutMs });
  return !/^DATA\s+EOF$/m.test(map);
}
