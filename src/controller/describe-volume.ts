import type { SourceRef } from '../volumes/copies/source-ref.ts';
import type { InventoryEntry } from '../volumes/state/inventory.ts';
import { imageIn } from '../volumes/sub-dir.ts';
import { formatVolumeId } from '../volumes/volume-id.ts';
import type { VolumeContentSourceInit } from '../wire/generated/csi-types.ts';
import type { DescribedPool } from './accessibility.ts';

/** A CSI Volume. Its context is all that the node needs to find the directory or the image. */
export function describeVolume(
  { name: pool, topologies }: DescribedPool,
  { key, record, handle, ...entry }: Omit<InventoryEntry, 'nodes'>,
) {
  const subDir = record?.subDir ?? entry.subDir;
  const image = record?.image === undefined ? entry.image : imageIn(record.subDir);
  const source = record?.from && describeSource(pool, record.from);
  return {
    volume_id: handle ?? formatVolumeId({ pool, key }),
    capacity_bytes: (record?.capacity ?? 0n).toString(),
    volume_context: { pool, ...contextOf({ subDir, image, device: entry.device, shared: record?.shared }) },
    ...(source === undefined ? {} : { content_source: source }),
    accessible_topology: topologies,
  };
}

interface Place {
  readonly subDir: string | undefined;
  readonly image: string | undefined;
  readonly device: string | undefined;
  readonly shared: string | undefined;
}

function contextOf({ subDir, image, device, shared }: Place): Record<string, string> {
  if (image !== undefined) return { image };
  if (shared !== undefined) return { snapshot: shared };
  if (subDir !== undefined) return { subDir };
  return device === undefined ? {} : { device };
}

function describeSource(pool: string, { kind, key }: SourceRef): VolumeContentSourceInit {
  const id = formatVolumeId({ pool, key });
  return kind === 'snapshot' ? { snapshot: { snapshot_id: id } } : { volume: { volume_id: id } };
}
