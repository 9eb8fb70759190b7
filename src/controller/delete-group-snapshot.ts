import { readGroup } from '../volumes/snapshots/group-records.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type {
  DeleteVolumeGroupSnapshotRequest,
  DeleteVolumeGroupSnapshotResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { refuseUnknownPool } from './find-volume.ts';
import { deleteGroup, refuseOtherMembers } from './group-snapshot.ts';

/** CSI DeleteVolumeGroupSnapshot, with all of its snapshots. What is not there is deleted already. */
export async function deleteVolumeGroupSnapshot(
  { stores }: ControllerDeps,
  { group_snapshot_id: groupId, snapshot_ids: snapshotIds }: DeleteVolumeGroupSnapshotRequest,
): Promise<DeleteVolumeGroupSnapshotResponseInit> {
  refuseUnknownPool(stores, groupId);
  const id = parseVolumeId(groupId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) return {};
  const group = await store.pool.use((state, tree) => readGroup(state, tree, id.key));
  if (group === undefined) return {};
  refuseOtherMembers(id.pool, group, snapshotIds);
  await deleteGroup(store, id.key, group);
  return {};
}
