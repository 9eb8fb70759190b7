import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { locateDirectory } from '../volumes/volume-context.ts';
import type { NodePublishVolumeRequest, NodePublishVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { absolutePath, required } from './fields.ts';
import type { NodeContext } from './service.ts';

/** CSI NodePublishVolume: the volume's directory appears at the target path, read-only if anybody asks for it. */
export async function nodePublishVolume(
  request: NodePublishVolumeRequest,
  { pools, directories }: NodeContext,
): Promise<NodePublishVolumeResponseInit> {
  const volumeId = required(request.volume_id, 'volume_id');
  const targetPath = absolutePath(request.target_path, 'target_path');
  // Before the volume is looked for: a call without a capability is wrong whatever the volume is.
  if (request.volume_capability === null) readCapability(request.volume_capability, 'local');
  if (request.staging_target_path === '') {
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'staging-path-missing',
      `The volume ${volumeId} cannot be published: the field staging_target_path is missing; stage the volume first.`,
    );
  }
  const stagingPath = absolutePath(request.staging_target_path, 'staging_target_path');
  const location = locateDirectory(volumeId, request.volume_context, pools);
  const capability = readCapability(request.volume_capability, location.pool.kind);
  const readOnly = request.readonly || capability.readOnly || request.publish_context.readonly === 'true';
  await directories.publish({ volumeId, location, capability, targetPath, stagingPath, readOnly });
  return {};
}
