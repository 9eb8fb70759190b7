import type { CopyAbout } from '../volumes/copies/copy-lock.ts';
import { parseSource } from '../volumes/copies/source-ref.ts';
import type { SnapshotRecord } from '../volumes/snapshots/snapshot-record.ts';
import { formatVolumeId } from '../volumes/volume-id.ts';
import type { SnapshotInit } from '../wire/generated/csi-types.ts';
import type { DescribedPool } from './accessibility.ts';

/** A CSI Snapshot that is complete. */
export function describeSnapshot(
  pool: DescribedPool,
  key: string,
  { source, size, created, group }: SnapshotRecord,
): SnapshotInit {
  return describe(pool, key, { source, size, created, group, isReady: true });
}

/** A CSI Snapshot that is being copied, by whichever controller. */
export function describePending(
  pool: DescribedPool,
  key: string,
  { from, since, size, group }: CopyAbout,
): SnapshotInit {
  const source = parseSource(from)?.key ?? '';
  return describe(pool, key, { source, size, created: since, group, isReady: false });
}

interface Described {
  readonly source: string;
  readonly size: bigint;
  readonly created: number;
  readonly group: string | undefined;
  readonly isReady: boolean;
}

function describe(
  { name: pool, topologies }: DescribedPool,
  key: string,
  { source, size, created, group, isReady }: Described,
): SnapshotInit {
  return {
    snapshot_id: formatVolumeId({ pool, key }),
    source_volume_id: formatVolumeId({ pool, key: source }),
    size_bytes: size.toString(),
    creation_time: { seconds: Math.floor(created / 1000).toString(), nanos: (created % 1000) * 1_000_000 },
    ready_to_use: isReady,
    ...(group === undefined ? {} : { group_snapshot_id: formatVolumeId({ pool, key: group }) }),
    accessible_topology: topologies,
  };
}
