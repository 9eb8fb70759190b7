import type {
  NodeUnpublishVolumeRequest,
  NodeUnpublishVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeUnpublishVolume: OK also where nothing is published; removes the target directory. */
export async function nodeUnpublishVolume(
  request: NodeUnpublishVolumeRequest,
  { directories }: NodeContext,
): Promise<NodeUnpublishVolumeResponseInit> {
  await directories.unpublish(request.target_path);
  return {};
}
