import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Tree } from '../pools/tree.ts';
import { resumeDeletion } from './delete-directory.ts';
import { forgetAside, keysSetAside, setAsideAt } from './records.ts';
import type { State } from './state.ts';

/** A deletion that was begun more recently may be under way this very moment. */
const settledMs = 600_000;

/**
 * Ends the deletions that a killed controller has begun and nobody has repeated. Returns how many, and the refusals of
 * those that cannot be ended.
 */
export async function sweepDeletions(
  state: State,
  tree: Tree,
  olderThanMs: number = settledMs,
): Promise<{ ended: number; refused: CsiError[] }> {
  let ended = 0;
  const refused: CsiError[] = [];
  for (const key of keysSetAside(await tree.list(state.volumes, '.'))) {
    try {
      const since = Number((await setAsideAt(state, tree, key)) / 1_000_000n);
      if (Date.now() - since < olderThanMs) continue;
      const deletion = await resumeDeletion(state, tree, key);
      if (deletion.kind === 'gone') await forgetAside(state, tree, key, deletion.record);
      ended += 1;
    } catch (error) {
      // Ended by another controller meanwhile.
      if (isErrno(error, 'ENOENT')) continue;
      if (!(error instanceof CsiError)) throw error;
      refused.push(error);
    }
  }
  return { ended, refused };
}
