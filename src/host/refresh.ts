import { type Run, run } from './run.ts';

/**
 * Makes a network file system ask its server anew about these directories, outermost first, so that names looked
 * up in them afterwards are those the server has now. A client trusts its caches for up to a minute (nfs(5),
 * acdirmax): a directory that was removed and made again under the same name would still be the old one.
 * Throws CommandError.
 */
export async function refreshDirectories(
  paths: readonly string[],
  { timeoutMs }: { timeoutMs: number },
  exec: Run = run,
): Promise<void> {
  // --cached=never is AT_STATX_FORCE_SYNC of statx(2). It has to want a time: for the inode number alone, which
  // never changes, NFS does not ask.
  await exec('stat', ['--cached=never', '-c', '%Y %Z', '--', ...paths], { timeoutMs });
}
