import { isErrno } from '../../errors/errno.ts';
import type { Dir, Tree } from '../../pools/tree.ts';

/**
 * What is younger than this, in milliseconds, may belong to a call that is under way at this moment, on this controller
 * or another one; what is older was left by one that was killed.
 */
export const settledMs = 600_000;

/** Whether something was changed last so many milliseconds ago, or more; false where it has gone. */
export async function isOlder(tree: Tree, dir: Dir, name: string, ms: number): Promise<boolean> {
  try {
    const { ctimeMs } = await tree.lstat(dir, name);
    return Date.now() - Number(ctimeMs) >= ms;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
