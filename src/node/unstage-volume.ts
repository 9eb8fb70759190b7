import type { NodeUnstageVolumeRequest, NodeUnstageVolumeResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeUnstageVolume: OK also for a volume that was never staged. The pool's mount goes with its last user. */
export async function nodeUnstageVolume(
  request: NodeUnstageVolumeRequest,
  { directories }: NodeContext,
): Promise<NodeUnstageVolumeResponseInit> {
  await directories.unstage(request.volume_id, request.staging_target_path);
  return {};
}
