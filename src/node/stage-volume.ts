import { readNodeCapability } from '../volumes/capability.ts';
import { locateVolume } from '../volumes/volume-context.ts';
import type { NodeStageVolumeRequest, NodeStageVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { readBlockRequest } from './block-request.ts';
import { attached } from './own-attacher.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodeStageVolume. Of a directory the pool is mounted, and the staging path stays as it is; an image gets its
 * device, and the filesystem of an image or a device is mounted at the staging path.
 */
export async function nodeStageVolume(
  request: NodeStageVolumeRequest,
  { pools, directories, blocks, staged, attacher }: NodeContext,
): Promise<NodeStageVolumeResponseInit> {
  const { volume_id: volumeId, staging_target_path: stagingPath } = request;
  const location = locateVolume(volumeId, request.volume_context, pools);
  if (location.kind !== 'directory') {
    try {
      const asked = await attached(request, attacher);
      await blocks.stage({ volumeId, stagingPath, ...readBlockRequest(asked, location) });
    } catch (error) {
      // Nobody unstages what was never staged, and so nobody would detach it.
      if (!staged.has(volumeId)) await attacher?.detach(volumeId);
      throw error;
    }
    return {};
  }
  const kind = { kind: 'directory', pool: location.pool.kind } as const;
  const capability = readNodeCapability(request.volume_capability, kind);
  await directories.stage({ volumeId, location, capability, stagingPath });
  return {};
}
