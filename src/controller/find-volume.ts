import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { directoryExists } from '../volumes/directory/directory.ts';
import { listAside } from '../volumes/state/aside.ts';
import type { VolumeRecord } from '../volumes/state/record.ts';
import { readRecord } from '../volumes/state/records.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { locateDirectory, refuseOtherKinds } from '../volumes/volume-context.ts';
import { isGeneratedKey, parseVolumeId, staticKeyOf } from '../volumes/volume-id.ts';

export interface FoundVolume {
  readonly store: Store;
  /** Under which its attachments are kept. */
  readonly key: string;
  readonly subDir: string;
  /** Undefined for a static volume. */
  readonly record: VolumeRecord | undefined;
}

/** Finds a dynamic volume by its id; undefined for any other id. */
export async function findDynamic(
  stores: Stores,
  volumeId: string,
): Promise<(FoundVolume & { record: VolumeRecord }) | undefined> {
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) return undefined;
  const record = await store.pool.use((state, tree) => readRecord(state, tree, id.key));
  if (record === undefined) return undefined;
  return { store, key: id.key, subDir: record.subDir, record };
}

/**
 * Finds a volume by its id, and a static one by the attributes that came with it; its directory must be there.
 * Throws NOT_FOUND, and INVALID_ARGUMENT for attributes that cannot be right.
 */
export async function findVolume(
  stores: Stores,
  volumeId: string,
  context: Readonly<Record<string, string>>,
): Promise<FoundVolume> {
  refuseOtherKinds(volumeId, context);
  const dynamic = await findDynamic(stores, volumeId);
  if (dynamic !== undefined) {
    refuseOtherContext(dynamic, volumeId, context);
    return dynamic;
  }
  if (context.subDir === undefined) throw notFound(volumeId);
  await refuseBeingDeleted(stores, volumeId);
  const pools = new Map(stores.all().map((store) => [store.config.name, store.config]));
  const { pool, subDir } = locateDirectory(volumeId, context, pools);
  const store = stores.choose(pool.name);
  if (!(await store.pool.use((_, tree) => directoryExists(tree, subDir)))) throw notFound(volumeId);
  return { store, key: staticKeyOf(volumeId), subDir, record: undefined };
}

/** A dynamic volume that is being deleted has no record any more, and is no static one for that. */
async function refuseBeingDeleted(stores: Stores, volumeId: string): Promise<void> {
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) return;
  const deletions = await store.pool.use((state, tree) => listAside(state, tree, id.key));
  if (deletions.length === 0) return;
  throw new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${volumeId} is being deleted at the same time; repeat the call.`,
  );
}

/** A hand-written PersistentVolume could else have one volume attached, and another's directory mounted. */
function refuseOtherContext(
  { store, subDir }: FoundVolume,
  volumeId: string,
  context: Readonly<Record<string, string>>,
): void {
  const differs =
    (context.pool !== undefined && context.pool !== store.config.name) ||
    (context.subDir !== undefined && context.subDir !== subDir);
  if (!differs) return;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'volume-attributes-invalid',
    `The volume ${volumeId} is the directory ${subDir} of the pool ${store.config.name}, but its attributes name another; correct them, or choose another handle.`,
  );
}

/**
 * Throws FAILED_PRECONDITION for an id of this driver's form whose pool is not in the config (any more): the volume may
 * be there still. `onlyGenerated`: not where the key may have been written by hand, as in a static volume's handle.
 */
export function refuseUnknownPool(stores: Stores, volumeId: string, { onlyGenerated = false } = {}): void {
  const id = parseVolumeId(volumeId);
  if (id === undefined || !/^[a-z0-9-]{1,32}$/.test(id.pool) || stores.find(id.pool) !== undefined) return;
  const generated = isGeneratedKey(id.key);
  if (onlyGenerated && !generated) return;
  const where = generated
    ? `The volume ${volumeId} is on a pool that the config does not name; put it (back) into the config's pools.`
    : `The volume ${volumeId} may be on a pool that the config does not name; put it (back) into the config's pools. A static volume is never deleted: give its PersistentVolume the reclaim policy Retain.`;
  throw new CsiError(status.FAILED_PRECONDITION, 'pool-unknown', where);
}

export function notFound(volumeId: string): CsiError {
  return new CsiError(
    status.NOT_FOUND,
    'volume-not-found',
    `The volume ${volumeId} does not exist on the pools of this driver; check its id, and for a static volume that its attributes name the pool and an existing directory.`,
  );
}
