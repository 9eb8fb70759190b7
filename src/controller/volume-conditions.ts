import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { directoryExists } from '../volumes/directory/directory.ts';
import { imageSizeAt } from '../volumes/image/image-file.ts';
import type { InventoryEntry } from '../volumes/state/inventory.ts';
import type { Store } from '../volumes/stores.ts';
import { imageIn, snapshotDir } from '../volumes/sub-dir.ts';
import { formatVolumeId, isStaticKey } from '../volumes/volume-id.ts';

export interface Condition {
  readonly status: 'DEGRADED' | 'INACCESSIBLE' | 'DATA_LOSS';
  readonly reason: string;
  readonly message: string;
}

/** A volume and what is wrong with it, as far as the controller can know (CSI VolumeHealth). */
export interface VolumeHealth {
  readonly volume_id: string;
  readonly health_statuses: readonly Condition[];
}

/**
 * Looks at one volume, with its record read anew; undefined where it is not there (any more). A pool that cannot be
 * asked is a condition of the volume, not an error.
 */
export async function examine(store: Store, key: string): Promise<VolumeHealth | undefined> {
  const { inventory, config, pool } = store;
  try {
    const entry = await readEntry(store, key);
    if (entry === undefined) return undefined;
    const id = entry.handle ?? formatVolumeId({ pool: config.name, key });
    return { volume_id: id, health_statuses: [...slowness(store), ...(await conditionsOf(store, entry))] };
  } catch (error) {
    if (!(error instanceof CsiError)) throw error;
    const id = isStaticKey(key) ? inventory.handleOf(key) : formatVolumeId({ pool: pool.name, key });
    // A static volume that this process has not heard of has no name to tell it by.
    if (id === undefined) return undefined;
    const unavailable = {
      status: 'INACCESSIBLE',
      reason: 'PoolUnavailable',
      message: error.message,
    } as const;
    return { volume_id: id, health_statuses: [unavailable] };
  }
}

/** The record or the attachments of a volume. Throws the pool's error where that cannot be asked. */
export async function readEntry(store: Store, key: string): Promise<InventoryEntry | undefined> {
  const [entry] = await store.pool.use((state, tree) =>
    store.inventory.describe(state, tree, [key], new Set(), { anew: true }),
  );
  return entry;
}

/** What the pool's state means for each of its volumes. */
function slowness({ pool }: Store): Condition[] {
  const { state, reason } = pool.health;
  return state === 'slow' ? [{ status: 'DEGRADED', reason: 'PoolSlow', message: reason }] : [];
}

/** The file of an image volume, as it is now. */
function imageOf({ record, image }: InventoryEntry): string | undefined {
  return record?.image === undefined ? image : imageIn(record.subDir, record.image.file);
}

async function conditionsOf(store: Store, entry: InventoryEntry): Promise<Condition[]> {
  if (entry.problem !== undefined) {
    return [{ status: 'INACCESSIBLE', reason: 'RecordUnreadable', message: entry.problem }];
  }
  const image = imageOf(entry);
  if (image !== undefined) return conditionsOfImage(store, image, entry.record?.capacity ?? 0n);
  const shared = entry.record?.shared;
  const subDir = shared === undefined ? (entry.record?.subDir ?? entry.subDir) : snapshotDir(shared);
  if (subDir === undefined) return [];
  try {
    if (await store.pool.use((_, tree) => directoryExists(tree, subDir))) return [];
  } catch (error) {
    if (!(error instanceof CsiError) || error.code === status.UNAVAILABLE) throw error;
    return [{ status: 'INACCESSIBLE', reason: 'DirectoryUnreadable', message: error.message }];
  }
  const message = `The directory ${subDir} of the volume is not on the pool ${store.config.name}: it was removed, or CreateVolume was interrupted and not repeated; restore it from a backup, or delete the volume.`;
  return [{ status: 'DATA_LOSS', reason: 'DirectoryGone', message }];
}

/** `capacity`: what it is to have at least, in bytes. */
async function conditionsOfImage(store: Store, image: string, capacity: bigint): Promise<Condition[]> {
  let size: bigint | undefined;
  try {
    size = await store.pool.use((_, tree) => imageSizeAt(tree, image));
  } catch (error) {
    if (!(error instanceof CsiError) || error.code === status.UNAVAILABLE) throw error;
    return [{ status: 'INACCESSIBLE', reason: 'ImageUnreadable', message: error.message }];
  }
  if (size !== undefined && size >= capacity) return [];
  const what = `The image ${image} of the volume`;
  if (size !== undefined) {
    const message = `${what} has ${size} bytes, and should have ${capacity}: it was cut; restore it from a backup, or delete the volume.`;
    return [{ status: 'DATA_LOSS', reason: 'ImageTruncated', message }];
  }
  const message = `${what} is not on the pool ${store.config.name}: it was removed; restore it from a backup, or delete the volume.`;
  return [{ status: 'DATA_LOSS', reason: 'ImageGone', message }];
}
