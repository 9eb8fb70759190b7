import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isCancelled, readLock } from '../volumes/copies/copy-lock.ts';
import { readSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import { snapshotJob } from '../volumes/snapshots/take-snapshot.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type { GetSnapshotRequest, GetSnapshotResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { describePending, describeSnapshot } from './describe-snapshot.ts';

/** CSI GetSnapshot: also of one that is being copied. */
export async function getSnapshot(
  { stores, accessibility }: ControllerDeps,
  { snapshot_id: snapshotId }: GetSnapshotRequest,
): Promise<GetSnapshotResponseInit> {
  const id = parseVolumeId(snapshotId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) throw noSnapshot(snapshotId);
  const { key } = id;
  const pool = await accessibility.describe(store);
  return store.pool.use(async (state, tree) => {
    const lock = await readLock(state, tree, snapshotJob(key));
    const record = await readSnapshot(state, tree, key);
    if (record !== undefined) return { snapshot: describeSnapshot(pool, key, record) };
    if (lock === undefined || isCancelled(lock)) throw noSnapshot(snapshotId);
    return { snapshot: describePending(pool, key, lock.about) };
  });
}

export function noSnapshot(snapshotId: string): CsiError {
  return new CsiError(
    status.NOT_FOUND,
    'snapshot-not-found',
    `There is no snapshot ${snapshotId}; it was deleted, or its pool is another one now.`,
  );
}
