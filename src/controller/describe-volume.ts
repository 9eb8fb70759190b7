import type { VolumeRecord } from '../volumes/record.ts';
import { formatVolumeId } from '../volumes/volume-id.ts';

/** A CSI Volume. Its context is all that the node needs to find the directory. */
export function describeVolume(pool: string, key: string, record: VolumeRecord) {
  return {
    volume_id: formatVolumeId({ pool, key }),
    capacity_bytes: record.capacity.toString(),
    volume_context: { pool, subDir: record.subDir },
  };
}
