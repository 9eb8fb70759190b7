import { CsiError } from '../errors/csi-error.ts';
import { directoryExists } from '../volumes/directory.ts';
import type { InventoryEntry } from '../volumes/inventory.ts';
import type { Store } from '../volumes/stores.ts';
import { formatVolumeId, parseVolumeId } from '../volumes/volume-id.ts';
import type {
  ControllerGetVolumeHealthRequest,
  ControllerGetVolumeHealthResponseInit,
  ControllerListVolumeHealthRequest,
  ControllerListVolumeHealthResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { notFound } from './find-volume.ts';
import { readPage } from './pages.ts';

interface Condition {
  readonly status: 'DEGRADED' | 'INACCESSIBLE' | 'DATA_LOSS';
  readonly reason: string;
  readonly message: string;
}

/** CSI ControllerGetVolumeHealth (alpha): what is wrong with a volume, as far as the controller can know. */
export async function controllerGetVolumeHealth(
  { stores }: ControllerDeps,
  { volume_id: volumeId }: ControllerGetVolumeHealthRequest,
): Promise<ControllerGetVolumeHealthResponseInit> {
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) throw notFound(volumeId);
  const down = poolConditions(store);
  if (down.some(({ status }) => status === 'INACCESSIBLE')) return answer(volumeId, down);
  // Of one volume the record is read anew, not taken from what a list remembers.
  store.inventory.forget(id.key);
  const [entry] = await describe(store, [id.key]);
  if (entry === undefined) throw notFound(volumeId);
  return answer(volumeId, [...down, ...(await entryConditions(store, entry))]);
}

/** CSI ControllerListVolumeHealth (alpha): only the volumes that something is wrong with, paged as ListVolumes. */
export async function controllerListVolumeHealth(
  { stores }: ControllerDeps,
  request: ControllerListVolumeHealthRequest,
): Promise<ControllerListVolumeHealthResponseInit> {
  const entries: { volume_id: string; health_statuses: Condition[] }[] = [];
  let token = request.starting_token;
  // A page of volumes may hold few that are ill, or none: go on until the page of health is full.
  do {
    const room = request.max_entries === 0 ? 0 : request.max_entries - entries.length;
    const { parts, next } = await readPage(stores, { max_entries: room, starting_token: token });
    for (const { store, keys } of parts) {
      const pool = store.config.name;
      const shared = poolConditions(store);
      for (const entry of await describe(store, keys)) {
        const conditions = [...shared, ...(await entryConditions(store, entry))];
        const volumeId = entry.handle ?? formatVolumeId({ pool, key: entry.key });
        if (conditions.length > 0) entries.push({ volume_id: volumeId, health_statuses: conditions });
      }
    }
    token = next;
  } while (token !== '' && entries.length < request.max_entries);
  return { entries, next_token: token };
}

function answer(volumeId: string, conditions: Condition[]): ControllerGetVolumeHealthResponseInit {
  return { volume_health: { volume_id: volumeId, health_statuses: conditions } };
}

/** What the pool's own state means for each of its volumes. */
function poolConditions({ pool }: Store): Condition[] {
  const { state, reason } = pool.health;
  switch (state) {
    case 'up':
    case 'starting':
      return [];
    case 'slow':
      return [{ status: 'DEGRADED', reason: 'PoolSlow', message: reason }];
    case 'down':
      return [{ status: 'INACCESSIBLE', reason: 'PoolUnavailable', message: reason }];
  }
}

function describe(store: Store, keys: readonly string[]): Promise<InventoryEntry[]> {
  return store.pool.use((state, tree) => store.inventory.describe(state, tree, keys, new Set()));
}

async function entryConditions(store: Store, entry: InventoryEntry): Promise<Condition[]> {
  if (entry.problem !== undefined) {
    return [{ status: 'INACCESSIBLE', reason: 'RecordUnreadable', message: entry.problem }];
  }
  const subDir = entry.record?.subDir ?? entry.subDir;
  if (subDir === undefined) return [];
  try {
    if (await store.pool.use((_, tree) => directoryExists(tree, subDir))) return [];
  } catch (error) {
    if (!(error instanceof CsiError)) throw error;
    return [{ status: 'INACCESSIBLE', reason: 'DirectoryUnreadable', message: error.message }];
  }
  const message = `The directory ${subDir} of the volume is not on the pool ${store.config.name}: it was removed, or CreateVolume was interrupted and not repeated; restore it from a backup, or delete the volume.`;
  return [{ status: 'DATA_LOSS', reason: 'DirectoryGone', message }];
}
