import { readNodeCapability } from '../volumes/capability.ts';
import { locateDirectory } from '../volumes/volume-context.ts';
import type { NodeStageVolumeRequest, NodeStageVolumeResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeStageVolume: the volume's pool is mounted, the staging path stays as it is. */
export async function nodeStageVolume(
  request: NodeStageVolumeRequest,
  { pools, directories }: NodeContext,
): Promise<NodeStageVolumeResponseInit> {
  const { volume_id: volumeId } = request;
  const location = locateDirectory(volumeId, request.volume_context, pools);
  const capability = readNodeCapability(request.volume_capability, location.pool.kind);
  await directories.stage({ volumeId, location, capability, stagingPath: request.staging_target_path });
  return {};
}
