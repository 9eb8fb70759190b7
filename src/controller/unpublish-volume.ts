import { detach } from '../volumes/state/attach.ts';
import { attachedNodes } from '../volumes/state/attachments.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { parseVolumeId, staticKeyOf } from '../volumes/volume-id.ts';
import type {
  ControllerUnpublishVolumeRequest,
  ControllerUnpublishVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import { askPools } from './ask-pools.ts';
import type { ControllerDeps } from './deps.ts';
import { refuseUnknownPool } from './find-volume.ts';

/**
 * CSI ControllerUnpublishVolume: detaches from one node, or from all where none is named. OK where the volume, the
 * node or the attachment is not there. A dynamic volume on a pool that is not in the config (any more) may well be
 * attached there. But the handle of a static one may look much the same, and its pods could never be moved if it could
 * not be detached: so only an id that is plainly generated is refused.
 */
export async function controllerUnpublishVolume(
  { stores }: ControllerDeps,
  request: ControllerUnpublishVolumeRequest,
): Promise<ControllerUnpublishVolumeResponseInit> {
  const volumeId = request.volume_id;
  const place = await findAttachments(stores, volumeId);
  if (place === undefined) {
    refuseUnknownPool(stores, volumeId, { onlyGenerated: true });
    return {};
  }
  const nodeId = request.node_id === '' ? undefined : request.node_id;
  await place.store.pool.use(async (state, tree) => {
    for (const key of place.keys) await detach(state, tree, key, nodeId);
  });
  return {};
}

/** Where a volume's attachments can be: the request does not say where a static volume is. */
async function findAttachments(
  stores: Stores,
  volumeId: string,
): Promise<{ store: Store; keys: string[] } | undefined> {
  const staticKey = staticKeyOf(volumeId);
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id !== undefined && store !== undefined) return { store, keys: [id.key, staticKey] };
  return askPools(stores.all(), async (each) => {
    const nodes = await each.pool.use((state, tree) => attachedNodes(state, tree, staticKey));
    return nodes.length === 0 ? undefined : { store: each, keys: [staticKey] };
  });
}
