import type { NodeUnstageVolumeRequest, NodeUnstageVolumeResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeUnstageVolume: OK also for a volume that was never staged. The pool's mount goes with its last user. */
export async function nodeUnstageVolume(
  request: NodeUnstageVolumeRequest,
  { directories, staged, blocks, attacher }: NodeContext,
): Promise<NodeUnstageVolumeResponseInit> {
  const { volume_id: volumeId, staging_target_path: stagingPath } = request;
  if (staged.has(volumeId)) await blocks.unstage(volumeId, stagingPath);
  else await directories.unstage(volumeId, stagingPath);
  await attacher?.detach(volumeId);
  return {};
}
