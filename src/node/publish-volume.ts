import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readNodeCapability } from '../volumes/capability.ts';
import { locateVolume } from '../volumes/volume-context.ts';
import type { NodePublishVolumeRequest, NodePublishVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { readBlockRequest } from './block-request.ts';
import { attached } from './own-attacher.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodePublishVolume: the volume's directory, filesystem or device appears at the target path, read-only if anybody
 * asks for it.
 */
export async function nodePublishVolume(
  request: NodePublishVolumeRequest,
  { pools, directories, blocks, attacher }: NodeContext,
): Promise<NodePublishVolumeResponseInit> {
  const { volume_id: volumeId, target_path: targetPath, staging_target_path: stagingPath } = request;
  if (stagingPath === '') {
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'staging-path-missing',
      `The volume ${volumeId} cannot be published: the field staging_target_path is missing; stage the volume first.`,
    );
  }
  const location = locateVolume(volumeId, request.volume_context, pools);
  if (location.kind !== 'directory') {
    const asked = { volumeId, stagingPath, ...readBlockRequest(await attached(request, attacher), location) };
    await blocks.publish(asked, { targetPath, readOnly: asked.readOnly || request.readonly });
    return {};
  }
  const capability = readNodeCapability(request.volume_capability, {
    kind: 'directory',
    pool: location.pool.kind,
  });
  const readOnly =
    request.readonly ||
    capability.readOnly ||
    request.publish_context.readonly === 'true' ||
    location.snapshot !== undefined;
  await directories.publish({ volumeId, location, capability, targetPath, stagingPath, readOnly });
  return {};
}
