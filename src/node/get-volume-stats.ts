import type { FilesystemUsage } from '../host/statfs.ts';
import type {
  NodeGetVolumeStatsRequest,
  NodeGetVolumeStatsResponseInit,
  VolumeUsageInit,
} from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/**
 * CSI NodeGetVolumeStats: bytes and inodes of the pool, as seen at the volume's path, or of the image's filesystem; of
 * a raw device its size.
 */
export async function nodeGetVolumeStats(
  request: NodeGetVolumeStatsRequest,
  { health, staged, blockHealth }: NodeContext,
): Promise<NodeGetVolumeStatsResponseInit> {
  const { volume_id: volumeId, volume_path: path } = request;
  if (staged.has(volumeId)) {
    const found = await blockHealth.usage(volumeId, path);
    return typeof found === 'bigint'
      ? { usage: [{ unit: 'BYTES', total: int64(found) }] }
      : { usage: usageEntries(found) };
  }
  return { usage: usageEntries(await health.usage(volumeId, path)) };
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
