import type {
  NodeUnpublishVolumeRequest,
  NodeUnpublishVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeUnpublishVolume: OK also where nothing is published; removes the target directory. */
export async function nodeUnpublishVolume(
  request: NodeUnpublishVolumeRequest,
  { directories, blocks }: NodeContext,
): Promise<NodeUnpublishVolumeResponseInit> {
  const { volume_id: volumeId, target_path: target } = request;
  await blocks.unpublish(volumeId, () => directories.unpublish(target));
  return {};
}
