import { CsiError } from '../errors/csi-error.ts';
import { detach } from '../volumes/attachments.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { parseVolumeId, staticKeyOf } from '../volumes/volume-id.ts';
import type {
  ControllerUnpublishVolumeRequest,
  ControllerUnpublishVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';

/**
 * CSI ControllerUnpublishVolume: detaches from one node, or from all where none is named. OK where the volume,
 * the node or the attachment is not there.
 */
export async function controllerUnpublishVolume(
  { stores }: ControllerDeps,
  request: ControllerUnpublishVolumeRequest,
): Promise<ControllerUnpublishVolumeResponseInit> {
  const nodeId = request.node_id === '' ? undefined : request.node_id;
  let failure: unknown;
  for (const { store, keys } of candidates(stores, request.volume_id)) {
    try {
      const found = await store.pool.use(async (state, tree) => {
        let any = false;
        for (const key of keys) any = (await detach(state, tree, key, nodeId)) || any;
        return any;
      });
      if (found) return {};
    } catch (error) {
      if (!(error instanceof CsiError)) throw error;
      failure = error;
    }
  }
  // Not found where it could be looked for: only sure if it was looked for everywhere.
  if (failure !== undefined) throw failure;
  return {};
}

/** Where a volume's attachments may be: the request does not say where a static volume is. */
function candidates(stores: Stores, volumeId: string): { store: Store; keys: string[] }[] {
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id !== undefined && store !== undefined) return [{ store, keys: [id.key, staticKeyOf(volumeId)] }];
  return stores.all().map((each) => ({ store: each, keys: [staticKeyOf(volumeId)] }));
}
