import type { NodeUnstageVolumeRequest, NodeUnstageVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { absolutePath, required } from './fields.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeUnstageVolume: OK also for a volume that was never staged. The pool's mount goes with its last user. */
export async function nodeUnstageVolume(
  request: NodeUnstageVolumeRequest,
  { directories }: NodeContext,
): Promise<NodeUnstageVolumeResponseInit> {
  const volumeId = required(request.volume_id, 'volume_id');
  await directories.unstage(volumeId, absolutePath(request.staging_target_path, 'staging_target_path'));
  return {};
}
