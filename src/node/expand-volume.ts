import type { NodeExpandVolumeRequest, NodeExpandVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { required } from './fields.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodeExpandVolume: a directory's size is recorded by the controller and not enforced, so there is nothing to
 * grow here. NOT_FOUND where the volume is not published at the path.
 */
export async function nodeExpandVolume(
  request: NodeExpandVolumeRequest,
  { health }: NodeContext,
): Promise<NodeExpandVolumeResponseInit> {
  const volumeId = required(request.volume_id, 'volume_id');
  health.publishedAt(volumeId, required(request.volume_path, 'volume_path'));
  return { capacity_bytes: request.capacity_range?.required_bytes ?? '0' };
}
