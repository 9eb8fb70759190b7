import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { VolumeKind } from '../volumes/capability.ts';
import { directoryExists } from '../volumes/directory/directory.ts';
import { imageSizeAt } from '../volumes/image/image-file.ts';
import { kindOf } from '../volumes/kind.ts';
import { listAside } from '../volumes/state/aside.ts';
import type { VolumeRecord } from '../volumes/state/record.ts';
import { readRecord } from '../volumes/state/records.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { imageIn } from '../volumes/sub-dir.ts';
import { locateVolume } from '../volumes/volume-context.ts';
import { isGeneratedKey, parseVolumeId, staticKeyOf } from '../volumes/volume-id.ts';

export interface FoundVolume {
  readonly store: Store;
  /** Under which its attachments are kept. */
  readonly key: string;
  /** What it takes of the pool: its directory, or a static image's file; nothing for a device. */
  readonly path: string | undefined;
  /** The file of an image. */
  readonly image: string | undefined;
  /** Of a node; nothing of it is on the pool, but who has it. */
  readonly device: string | undefined;
  readonly kind: VolumeKind;
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
  const { subDir, image } = record;
  const readOnly = record.shared === undefined ? {} : { readOnly: true as const };
  const kind = { ...kindOf(image, store.config.kind), ...readOnly };
  return {
    store,
    key: id.key,
    path: subDir,
    image: image && imageIn(subDir, image.file),
    device: undefined,
    kind,
    record,
  };
}

/**
 * Finds a volume by its id, and a static one by the attributes that came with it; its directory or image must be there.
 * Throws NOT_FOUND, and INVALID_ARGUMENT for attributes that cannot be right.
 */
export async function findVolume(
  stores: Stores,
  volumeId: string,
  context: Readonly<Record<string, string>>,
): Promise<FoundVolume> {
  const dynamic = await findDynamic(stores, volumeId);
  if (dynamic !== undefined) {
    refuseOtherContext(dynamic, volumeId, context);
    return dynamic;
  }
  if ([context.subDir, context.image, context.device].every((each) => each === undefined)) {
    throw notFound(volumeId);
  }
  await refuseBeingDeleted(stores, volumeId);
  const pools = new Map(stores.all().map((store) => [store.config.name, store.config]));
  const location = locateVolume(volumeId, context, pools);
  const store = stores.choose(location.pool.name);
  const subDir = location.kind === 'directory' ? location.subDir : undefined;
  const image = location.kind === 'image' ? location.image : undefined;
  const found: FoundVolume = {
    store,
    key: staticKeyOf(volumeId),
    path: subDir ?? image,
    image,
    device: location.kind === 'device' ? location.device : undefined,
    kind: subDir === undefined ? { kind: 'existing' } : { kind: 'directory', pool: store.config.kind },
    record: undefined,
  };
  if (!(await isThere(found))) throw notFound(volumeId);
  return found;
}

/** Whether the directory or the image of a volume is on its pool; whether a device is there, only its node can tell. */
export async function isThere({ store, path, image }: FoundVolume): Promise<boolean> {
  if (path === undefined) return true;
  if (image === undefined) return store.pool.use((_, tree) => directoryExists(tree, path));
  return (await store.pool.use((_, tree) => imageSizeAt(tree, image))) !== undefined;
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
  { store, path, record, ...found }: FoundVolume,
  volumeId: string,
  context: Readonly<Record<string, string>>,
): void {
  // The context keeps the name that the image was made with, whatever it has since (image/fence.ts).
  const image = record?.image === undefined ? found.image : imageIn(record.subDir);
  const differs =
    (context.pool !== undefined && context.pool !== store.config.name) ||
    (context.subDir !== undefined && (context.subDir !== path || image !== undefined)) ||
    (context.image !== undefined && context.image !== image) ||
    (context.snapshot !== undefined && context.snapshot !== record?.shared) ||
    context.device !== undefined;
  if (!differs) return;
  const what = image === undefined ? `the directory ${path}` : `the image ${image}`;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'volume-attributes-invalid',
    `The volume ${volumeId} is ${what} of the pool ${store.config.name}, but its attributes name another; correct them, or choose another handle.`,
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
    `The volume ${volumeId} does not exist on the pools of this driver; check its id, and for a static volume that its attributes name the pool and an existing directory or image, or a device.`,
  );
}
