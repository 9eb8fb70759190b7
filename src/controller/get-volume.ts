import { attachedNodes } from '../volumes/state/attachments.ts';
import type {
  ControllerGetVolumeRequest,
  ControllerGetVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { describeVolume } from './describe-volume.ts';
import { findDynamic, notFound } from './find-volume.ts';

/** CSI ControllerGetVolume: a dynamic volume and the nodes it is attached to. */
export async function controllerGetVolume(
  { stores, accessibility }: ControllerDeps,
  { volume_id: volumeId }: ControllerGetVolumeRequest,
): Promise<ControllerGetVolumeResponseInit> {
  const found = await findDynamic(stores, volumeId);
  if (found === undefined) throw notFound(volumeId);
  const { store, key, record } = found;
  const nodes = await store.pool.use((state, tree) => attachedNodes(state, tree, key));
  return {
    volume: describeVolume(await accessibility.describe(store), { key, record }),
    status: { published_node_ids: nodes },
  };
}
