import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isCancelled, readLock } from '../volumes/copies/copy-lock.ts';
import { formatSource } from '../volumes/copies/source-ref.ts';
import { type GroupRecord, removeGroup } from '../volumes/snapshots/group-records.ts';
import { readSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import { snapshotJob } from '../volumes/snapshots/take-snapshot.ts';
import type { Store } from '../volumes/stores.ts';
import { formatVolumeId } from '../volumes/volume-id.ts';
import type { SnapshotInit, VolumeGroupSnapshotInit } from '../wire/generated/csi-types.ts';
import type { DescribedPool } from './accessibility.ts';
import { describePending, describeSnapshot } from './describe-snapshot.ts';
import { removeSnapshotOf } from './remove-snapshot.ts';

/** A group's members as they are now. */
export async function describeMembers(
  { pool: store }: Store,
  pool: DescribedPool,
  key: string,
  { created, members }: GroupRecord,
): Promise<SnapshotInit[]> {
  return store.use((state, tree) =>
    Promise.all(
      [...members].map(async ([volume, snapshot]) => {
        const lock = await readLock(state, tree, snapshotJob(snapshot));
        const record = await readSnapshot(state, tree, snapshot);
        if (record !== undefined) return describeSnapshot(pool, snapshot, record);
        const from = formatSource({ kind: 'volume', key: volume });
        const asked = { name: snapshot, from, since: created, size: 0n, group: key };
        const about = lock === undefined || isCancelled(lock) ? asked : lock.about;
        return describePending(pool, snapshot, about);
      }),
    ),
  );
}

export function describeGroup(
  pool: string,
  key: string,
  { created }: GroupRecord,
  snapshots: readonly SnapshotInit[],
): VolumeGroupSnapshotInit {
  return {
    group_snapshot_id: formatVolumeId({ pool, key }),
    snapshots,
    creation_time: { seconds: Math.floor(created / 1000).toString(), nanos: (created % 1000) * 1_000_000 },
    ready_to_use: snapshots.every(({ ready_to_use: isReady }) => isReady === true),
  };
}

/** Its members first: what is cut off is gone on with as long as the group is there. */
export async function deleteGroup(store: Store, key: string, { members }: GroupRecord): Promise<void> {
  for (const snapshot of members.values()) await removeSnapshotOf(store, snapshot);
  await store.pool.use((state, tree) => removeGroup(state, tree, key));
  store.janitor.kick();
}

/** Throws INVALID_ARGUMENT where a request names other snapshots than the group has; it need not name any. */
export function refuseOtherMembers(
  pool: string,
  { name, members }: GroupRecord,
  snapshotIds: readonly string[],
): void {
  const has = new Set([...members.values()].map((key) => formatVolumeId({ pool, key })));
  const named = new Set(snapshotIds);
  if (named.size === 0 || (named.size === has.size && [...named].every((id) => has.has(id)))) return;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'group-differs',
    `The group ${name} has other snapshots than the request names; correct that, or name none.`,
  );
}
