import type { Store, Stores } from '../volumes/stores.ts';
import { parseVolumeId, staticKeyOf } from '../volumes/volume-id.ts';
import type {
  ControllerGetVolumeHealthRequest,
  ControllerGetVolumeHealthResponseInit,
} from '../wire/generated/csi-types.ts';
import { askPools } from './ask-pools.ts';
import type { ControllerDeps } from './deps.ts';
import { notFound } from './find-volume.ts';
import { examine, readEntry, type VolumeHealth } from './volume-conditions.ts';

/**
 * CSI ControllerGetVolumeHealth (alpha): what is wrong with a volume, as far as the controller can know. A static
 * volume is known while it is attached.
 */
export async function controllerGetVolumeHealth(
  { stores }: ControllerDeps,
  { volume_id: volumeId }: ControllerGetVolumeHealthRequest,
): Promise<ControllerGetVolumeHealthResponseInit> {
  const found = await find(stores, volumeId);
  if (found === undefined) throw notFound(volumeId);
  return { volume_health: found };
}

async function find(stores: Stores, volumeId: string): Promise<VolumeHealth | undefined> {
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) return findStatic(stores.all(), volumeId);
  return (await examine(store, id.key)) ?? findStatic([store], volumeId);
}

/** By where this process has heard of it, so that a pool that is down can be told as the reason; else everywhere. */
async function findStatic(stores: readonly Store[], handle: string): Promise<VolumeHealth | undefined> {
  const key = staticKeyOf(handle);
  const known = stores.find(({ inventory }) => inventory.handleOf(key) !== undefined);
  const health = known && (await examine(known, key));
  if (health !== undefined) return health;
  const store = await askPools(stores, async (each) => ((await readEntry(each, key)) ? each : undefined));
  return store && examine(store, key);
}
