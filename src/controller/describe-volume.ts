import type { InventoryEntry } from '../volumes/state/inventory.ts';
import { imageIn } from '../volumes/sub-dir.ts';
import { formatVolumeId } from '../volumes/volume-id.ts';

/** A CSI Volume. Its context is all that the node needs to find the directory or the image. */
export function describeVolume(
  pool: string,
  { key, record, handle, ...entry }: Omit<InventoryEntry, 'nodes'>,
) {
  const subDir = record?.subDir ?? entry.subDir;
  const image = record?.image === undefined ? entry.image : imageIn(record.subDir);
  const { device } = entry;
  const other = subDir === undefined ? (device === undefined ? {} : { pool, device }) : { pool, subDir };
  return {
    volume_id: handle ?? formatVolumeId({ pool, key }),
    capacity_bytes: (record?.capacity ?? 0n).toString(),
    volume_context: image === undefined ? other : { pool, image },
  };
}
