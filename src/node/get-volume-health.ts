import type {
  NodeGetVolumeHealthRequest,
  NodeGetVolumeHealthResponseInit,
} from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodeGetVolumeHealth (alpha): what is wrong with a volume on this node. NOT_FOUND for a volume that is
 * neither staged nor published here. The staging path is not looked at: nothing is ever mounted there.
 */
export async function nodeGetVolumeHealth(
  request: NodeGetVolumeHealthRequest,
  { health, staged, blockHealth }: NodeContext,
): Promise<NodeGetVolumeHealthResponseInit> {
  const { volume_id: volumeId, volume_publish_path: path } = request;
  const statuses = staged.has(volumeId)
    ? await blockHealth.trouble(volumeId, path)
    : await health.ofVolume(volumeId, path);
  return {
    volume_health: { volume_id: volumeId, health_statuses: statuses },
  };
}
