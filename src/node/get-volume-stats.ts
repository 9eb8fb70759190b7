import type {
  NodeGetVolumeStatsRequest,
  NodeGetVolumeStatsResponseInit,
} from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeGetVolumeStats: bytes and inodes of the pool, as seen at the volume's path. */
export async function nodeGetVolumeStats(
  request: NodeGetVolumeStatsRequest,
  { health }: NodeContext,
): Promise<NodeGetVolumeStatsResponseInit> {
  const usage = await health.usage(request.volume_id, request.volume_path);
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
