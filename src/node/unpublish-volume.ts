import type {
  NodeUnpublishVolumeRequest,
  NodeUnpublishVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import { absolutePath, required } from './fields.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeUnpublishVolume: OK also where nothing is published; removes the target directory. */
export async function nodeUnpublishVolume(
  request: NodeUnpublishVolumeRequest,
  { directories }: NodeContext,
): Promise<NodeUnpublishVolumeResponseInit> {
  required(request.volume_id, 'volume_id');
  await directories.unpublish(absolutePath(request.target_path, 'target_path'));
  return {};
}
