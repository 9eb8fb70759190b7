import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { readRecord } from '../state/records.ts';
import { settledMs } from '../state/settled.ts';
import type { State } from '../state/state.ts';

/**
 * Removes claims on a record's next revision that a killed controller left behind and nobody can apply any more:
 * their volume is gone, or further on.
 */
export async function sweepClaims(state: State, tree: Tree, olderThanMs: number = settledMs): Promise<void> {
  for (const name of await tree.list(state.volumes, '.')) {
    const [, key, id, revision] = /^,(.+)\.([A-Za-z0-9_-]{8})\.(\d+)$/.exec(name) ?? [];
    if (key === undefined || id === undefined || revision === undefined) continue;
    try {
      const { ctimeMs } = await tree.lstat(state.volumes, name);
      if (Date.now() - Number(ctimeMs) < olderThanMs) continue;
      const record = await readRecord(state, tree, key);
      if (record?.id === id && Number(revision) > record.revision) continue;
      await tree.unlink(state.volumes, name);
    } catch (error) {
      // A record that cannot be read is told elsewhere; its claims stay with it.
      if (!isErrno(error, 'ENOENT') && !(error instanceof CsiError)) throw error;
    }
  }
}
