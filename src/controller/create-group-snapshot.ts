import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { createGroup, type GroupRecord, newGroup, readGroup } from '../volumes/snapshots/group-records.ts';
import { readSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import { isLasting } from '../volumes/state/lasting.ts';
import { readRecord } from '../volumes/state/records.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { formatVolumeId, keyOf, parseVolumeId } from '../volumes/volume-id.ts';
import type {
  CreateVolumeGroupSnapshotRequest,
  CreateVolumeGroupSnapshotResponseInit,
  SnapshotInit,
} from '../wire/generated/csi-types.ts';
import type { DescribedPool } from './accessibility.ts';
import type { ControllerDeps } from './deps.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { notFound } from './find-volume.ts';
import { deleteGroup, describeGroup } from './group-snapshot.ts';
import { refuseSnapshotParameters } from './snapshot-parameters.ts';
import { takeSnapshot } from './take-snapshot.ts';

/**
 * CSI CreateVolumeGroupSnapshot: a snapshot of each volume, taken side by side. Where one of them cannot be taken there
 * is no group, and nothing of it is left.
 */
export async function createVolumeGroupSnapshot(
  { stores, accessibility }: ControllerDeps,
  { name, source_volume_ids: ids, parameters }: CreateVolumeGroupSnapshotRequest,
): Promise<CreateVolumeGroupSnapshotResponseInit> {
  refuseSnapshotParameters(parameters);
  const { store, volumes } = onePool(stores, ids);
  const key = keyOf(name);
  const group = await findOrMake(store, key, name, volumes);
  const isSame = group.members.size === volumes.length && volumes.every((each) => group.members.has(each));
  if (group.name !== name || !isSame) throw exists(name);
  const pool = await accessibility.describe(store);
  const taking = [...group.members].map(([volume, snapshot]) =>
    takeMember({ store, pool }, { key, group, volume, snapshot }),
  );
  const outcomes = await Promise.allSettled(taking);
  const failures = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  if (failures.length > 0) {
    if (failures.some(isLasting)) await deleteGroup(store, key, group);
    throw failures.find(isLasting) ?? failures[0];
  }
  const snapshots = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  return { group_snapshot: describeGroup(store.config.name, key, group, snapshots) };
}

/** The keys of the volumes, which have to be on one pool. */
function onePool(stores: Stores, ids: readonly string[]): { store: Store; volumes: string[] } {
  const volumes = ids.map((id) => {
    const parsed = parseVolumeId(id);
    if (parsed === undefined || stores.find(parsed.pool) === undefined) throw notFound(id);
    return parsed;
  });
  const [pool, ...others] = new Set(volumes.map((volume) => volume.pool));
  const store = pool === undefined ? undefined : stores.find(pool);
  if (store !== undefined && others.length === 0) {
    return { store, volumes: [...new Set(volumes.map(({ key }) => key))].sort() };
  }
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'group-pools',
    store === undefined
      ? 'The request names no volume to take a snapshot of; name at least one.'
      : 'The volumes of a group are on several pools, and a group is of one; make one for each pool.',
  );
}

async function findOrMake(
  { pool, config }: Store,
  key: string,
  name: string,
  volumes: readonly string[],
): Promise<GroupRecord> {
  return pool.use(async (state, tree) => {
    const known = await readGroup(state, tree, key);
    if (known !== undefined) return known;
    for (const volume of volumes) {
      if ((await readRecord(state, tree, volume)) === undefined) {
        throw notFound(formatVolumeId({ pool: config.name, key: volume }));
      }
    }
    const wanted = newGroup(key, name, volumes);
    if (await createGroup(state, tree, key, wanted)) return wanted;
    return (await readGroup(state, tree, key)) ?? wanted;
  });
}

interface On {
  readonly store: Store;
  readonly pool: DescribedPool;
}

interface Member {
  readonly key: string;
  readonly group: GroupRecord;
  readonly volume: string;
  readonly snapshot: string;
}

async function takeMember(on: On, { key, group, volume, snapshot }: Member): Promise<SnapshotInit> {
  const { store, pool } = on;
  const [known, record] = await store.pool.use((state, tree) =>
    Promise.all([readSnapshot(state, tree, snapshot), readRecord(state, tree, volume)]),
  );
  if (known !== undefined) return describeSnapshot(pool, snapshot, known);
  if (record === undefined) throw notFound(formatVolumeId({ pool: pool.name, key: volume }));
  const asked = { key: snapshot, name: snapshot, volume: { key: volume, record }, created: group.created };
  return takeSnapshot(on, { ...asked, group: key });
}

function exists(name: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'group-exists-differently',
    `A group of snapshots named ${name} exists already, of other volumes; choose another name.`,
  );
}
