import type {
  NodeGetVolumeStatsRequest,
  NodeGetVolumeStatsResponseInit,
} from '../wire/generated/csi-types.ts';
import { required } from './fields.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeGetVolumeStats: bytes and inodes of the pool, as seen at the volume's path. */
export async function nodeGetVolumeStats(
  request: NodeGetVolumeStatsRequest,
  { health }: NodeContext,
): Promise<NodeGetVolumeStatsResponseInit> {
  const volumeId = required(request.volume_id, 'volume_id');
  const path = required(request.volume_path, 'volume_path');
  const usage = await health.usage(volumeId, path);
  return {
    usage: [
      {
        unit: 'BYTES',
        total: String(usage.totalBytes),
        used: String(usage.usedBytes),
        available: String(usage.availableBytes),
      },
      {
        unit: 'INODES',
        total: String(usage.totalInodes),
        used: String(usage.usedInodes),
        available: String(usage.freeInodes),
      },
    ],
  };
}
