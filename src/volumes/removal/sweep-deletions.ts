import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { resumeDeletion } from '../directory/delete-directory.ts';
import { begunAt, forgetAside, listAside } from '../state/aside.ts';
import { settledMs } from '../state/settled.ts';
import type { State } from '../state/state.ts';

/**
 * Ends the deletions that a killed controller has begun and nobody has repeated. Returns the refusals of those that
 * cannot be ended.
 */
export async function sweepDeletions(
  state: State,
  tree: Tree,
  olderThanMs: number = settledMs,
): Promise<CsiError[]> {
  const refusals: CsiError[] = [];
  for (const aside of await listAside(state, tree)) {
    try {
      const since = Number((await begunAt(state, tree, aside)) / 1_000_000n);
      if (Date.now() - since < olderThanMs) continue;
      const deletion = await resumeDeletion(state, tree, aside);
      if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
    } catch (error) {
      // Ended by another controller meanwhile.
      if (isErrno(error, 'ENOENT')) continue;
      if (!(error instanceof CsiError)) throw error;
      refusals.push(error);
    }
  }
  return refusals;
}
