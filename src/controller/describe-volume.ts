import type { InventoryEntry } from '../volumes/state/inventory.ts';
import { formatVolumeId } from '../volumes/volume-id.ts';

/** A CSI Volume. Its context is all that the node needs to find the directory. */
export function describeVolume(
  pool: string,
  { key, record, handle, subDir = record?.subDir }: Omit<InventoryEntry, 'nodes'>,
) {
  return {
    volume_id: handle ?? formatVolumeId({ pool, key }),
    capacity_bytes: (record?.capacity ?? 0n).toString(),
    volume_context: subDir === undefined ? {} : { pool, subDir },
  };
}
