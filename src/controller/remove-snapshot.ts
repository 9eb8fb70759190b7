import { readSnapshotAnew, removeSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import { snapshotJob } from '../volumes/snapshots/take-snapshot.ts';
import type { Store } from '../volumes/stores.ts';

/** Removes a snapshot, also one that is still being copied, by whichever controller. None there is fine. */
export async function removeSnapshotOf(store: Store, key: string): Promise<void> {
  if (!(await removeComplete(store, key))) {
    await store.copies.cancel(snapshotJob(key));
    // It may have been published just before.
    await removeComplete(store, key);
  }
  store.snapshots.forget(key);
  store.janitor.kick();
}

/** False where there is none that is complete. */
async function removeComplete(store: Store, key: string): Promise<boolean> {
  return store.pool.use(async (state, tree) => {
    const record = await readSnapshotAnew(state, tree, key);
    if (record === undefined) return false;
    await removeSnapshot(state, tree, key, record);
    return true;
  });
}
