import type { NodeExpandVolumeRequest, NodeExpandVolumeResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodeExpandVolume: a directory's size is recorded by the controller and not enforced, so there is nothing to
 * grow here. NOT_FOUND where the volume is not published at the path.
 */
export async function nodeExpandVolume(
  request: NodeExpandVolumeRequest,
  { health }: NodeContext,
): Promise<NodeExpandVolumeResponseInit> {
  health.publishedAt(request.volume_id, request.volume_path);
  return { capacity_bytes: request.capacity_range?.required_bytes ?? '0' };
}
