import type { FilesystemUsage } from '../host/statfs.ts';
import type {
  NodeGetVolumeStatsRequest,
  NodeGetVolumeStatsResponseInit,
  VolumeUsageInit,
} from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeGetVolumeStats: bytes and inodes of the pool, as seen at the volume's path. */
export async function nodeGetVolumeStats(
  request: NodeGetVolumeStatsRequest,
  { health }: NodeContext,
): Promise<NodeGetVolumeStatsResponseInit> {
  return { usage: usageEntries(await health.usage(request.volume_id, request.volume_path)) };
}

/** The use of a file system as CSI's VolumeUsage. */
export function usageEntries(usage: FilesystemUsage): VolumeUsageInit[] {
  return [
    {
      unit: 'BYTES',
      total: int64(usage.totalBytes),
      used: int64(usage.usedBytes),
      available: int64(usage.availableBytes),
    },
    {
      unit: 'INODES',
      total: int64(usage.totalInodes),
      used: int64(usage.usedInodes),
      available: int64(usage.freeInodes),
    },
  ];
}

const most = 2n ** 63n - 1n;

/** A server may say anything: on the wire a number beyond these bounds would be another one. */
function int64(value: bigint): string {
  return String(value < 0n ? 0n : value > most ? most : value);
}
