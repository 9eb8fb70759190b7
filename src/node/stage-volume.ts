import { readCapability } from '../volumes/capability.ts';
import { locateDirectory } from '../volumes/volume-context.ts';
import type { NodeStageVolumeRequest, NodeStageVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { absolutePath, required } from './fields.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeStageVolume: the volume's pool is mounted, the staging path stays as it is. */
export async function nodeStageVolume(
  request: NodeStageVolumeRequest,
  { pools, directories }: NodeContext,
): Promise<NodeStageVolumeResponseInit> {
  const volumeId = required(request.volume_id, 'volume_id');
  absolutePath(request.staging_target_path, 'staging_target_path');
  // Before the volume is looked for: a call without a capability is wrong whatever the volume is.
  if (request.volume_capability === null) readCapability(request.volume_capability, 'local');
  const location = locateDirectory(volumeId, request.volume_context, pools);
  const capability = readCapability(request.volume_capability, location.pool.kind);
  await directories.stage({ volumeId, location, capability });
  return {};
}
