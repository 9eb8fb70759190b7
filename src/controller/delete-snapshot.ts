import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readLock } from '../volumes/copies/copy-lock.ts';
import { readGroup } from '../volumes/snapshots/group-records.ts';
import { readSnapshotAnew } from '../volumes/snapshots/snapshot-records.ts';
import { snapshotJob } from '../volumes/snapshots/take-snapshot.ts';
import type { Store } from '../volumes/stores.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type { DeleteSnapshotRequest, DeleteSnapshotResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { refuseUnknownPool } from './find-volume.ts';
import { removeSnapshotOf } from './remove-snapshot.ts';

/** CSI DeleteSnapshot: also of one that is still being made. What is not there is deleted already. */
export async function deleteSnapshot(
  { stores }: ControllerDeps,
  { snapshot_id: snapshotId }: DeleteSnapshotRequest,
): Promise<DeleteSnapshotResponseInit> {
  refuseUnknownPool(stores, snapshotId);
  const id = parseVolumeId(snapshotId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) return {};
  await refuseMember(store, id.key, snapshotId);
  await removeSnapshotOf(store, id.key);
  return {};
}

/** Of a group that is there: what is left of one that was deleted half-way goes. */
async function refuseMember({ pool }: Store, key: string, snapshotId: string): Promise<void> {
  const name = await pool.use(async (state, tree) => {
    const record = await readSnapshotAnew(state, tree, key);
    const group =
      record === undefined ? (await readLock(state, tree, snapshotJob(key)))?.about.group : record.group;
    return group && (await readGroup(state, tree, group))?.name;
  });
  if (name === undefined) return;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'snapshot-in-group',
    `The snapshot ${snapshotId} is a member of the group ${name}, and is deleted with that only.`,
  );
}
