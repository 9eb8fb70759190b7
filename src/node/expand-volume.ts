import type { NodeExpandVolumeRequest, NodeExpandVolumeResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodeExpandVolume. A directory's size is recorded by the controller and not enforced, so there is nothing to grow
 * here; an image's device becomes as large as its file is now, and its filesystem as large as the device, in use.
 * NOT_FOUND where the volume is not at the path.
 */
export async function nodeExpandVolume(
  request: NodeExpandVolumeRequest,
  { health, staged, blocks, attacher }: NodeContext,
): Promise<NodeExpandVolumeResponseInit> {
  const { volume_id: volumeId, volume_path: path } = request;
  await attacher?.expand(request);
  const required = request.capacity_range?.required_bytes ?? '0';
  if (staged.has(volumeId)) {
    return { capacity_bytes: String(await blocks.expand(volumeId, path, BigInt(required))) };
  }
  health.publishedAt(volumeId, path);
  return { capacity_bytes: required };
}
