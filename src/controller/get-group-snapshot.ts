import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readGroup } from '../volumes/snapshots/group-records.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type {
  GetVolumeGroupSnapshotRequest,
  GetVolumeGroupSnapshotResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { describeGroup, describeMembers, refuseOtherMembers } from './group-snapshot.ts';

/** CSI GetVolumeGroupSnapshot. */
export async function getVolumeGroupSnapshot(
  { stores, accessibility }: ControllerDeps,
  { group_snapshot_id: groupId, snapshot_ids: snapshotIds }: GetVolumeGroupSnapshotRequest,
): Promise<GetVolumeGroupSnapshotResponseInit> {
  const id = parseVolumeId(groupId);
  const store = id && stores.find(id.pool);
  const group = id && store && (await store.pool.use((state, tree) => readGroup(state, tree, id.key)));
  if (id === undefined || store === undefined || group === undefined) throw noGroup(groupId);
  refuseOtherMembers(id.pool, group, snapshotIds);
  const members = await describeMembers(store, await accessibility.describe(store), id.key, group);
  return { group_snapshot: describeGroup(id.pool, id.key, group, members) };
}

function noGroup(groupId: string): CsiError {
  return new CsiError(
    status.NOT_FOUND,
    'group-not-found',
    `There is no group of snapshots ${groupId}; it was deleted, or its pool is another one now.`,
  );
}
