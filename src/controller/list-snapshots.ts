import { formatSource } from '../volumes/copies/source-ref.ts';
import type { SnapshotEntry } from '../volumes/snapshots/snapshot-inventory.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type {
  ListSnapshotsRequest,
  ListSnapshotsResponseInit,
  SnapshotInit,
} from '../wire/generated/csi-types.ts';
import type { DescribedPool } from './accessibility.ts';
import type { ControllerDeps } from './deps.ts';
import { describePending, describeSnapshot } from './describe-snapshot.ts';
import { formatPlace, keysAfter, readPlace, storesFrom } from './pages.ts';

/**
 * CSI ListSnapshots, by pool and key: also those that are being copied. By a snapshot or a volume that is not there the
 * list is empty.
 */
export async function listSnapshots(
  { stores, accessibility }: ControllerDeps,
  request: ListSnapshotsRequest,
): Promise<ListSnapshotsResponseInit> {
  const start = readPlace(stores, request);
  const wanted = readFilter(stores, request);
  if (wanted === undefined) return { entries: [], next_token: '' };
  const room = request.max_entries === 0 ? Number.POSITIVE_INFINITY : request.max_entries;
  const entries: NonNullable<ListSnapshotsResponseInit['entries']>[number][] = [];
  let last = '';
  for (const store of storesFrom(stores, start).filter(
    (each) => wanted.store === undefined || each === wanted.store,
  )) {
    const found = await store.pool.use((state, tree) => store.snapshots.all(state, tree));
    const pool = await accessibility.describe(store);
    const rest = new Set(keysAfter(start, store, keysOf(found)));
    for (const entry of found.filter((each) => rest.has(each.key) && wanted.has(each))) {
      if (entries.length >= room) return { entries, next_token: last };
      const { key } = entry;
      entries.push({ snapshot: describeEntry(pool, entry) });
      last = formatPlace({ pool: store.config.name, key });
    }
  }
  return { entries, next_token: '' };
}

interface Filter {
  /** Undefined: all pools are asked. */
  readonly store: Store | undefined;
  has(entry: SnapshotEntry): boolean;
}

/** Undefined where the request names what cannot be there. */
function readFilter(
  stores: Stores,
  { snapshot_id: snapshotId, source_volume_id: sourceId }: ListSnapshotsRequest,
): Filter | undefined {
  const [snapshot, source] = [snapshotId, sourceId].map((id) => (id === '' ? undefined : parseVolumeId(id)));
  if ((snapshotId !== '' && snapshot === undefined) || (sourceId !== '' && source === undefined))
    return undefined;
  const pools = new Set([snapshot?.pool, source?.pool].filter((pool) => pool !== undefined));
  if (pools.size > 1) return undefined;
  const [pool] = pools;
  const store = pool === undefined ? undefined : stores.find(pool);
  if (pool !== undefined && store === undefined) return undefined;
  return {
    store,
    has: (entry) =>
      (snapshot === undefined || snapshot.key === entry.key) &&
      (source === undefined || isOf(entry, source.key)),
  };
}

function isOf({ state }: SnapshotEntry, key: string): boolean {
  return 'record' in state
    ? state.record.source === key
    : state.pending.from === formatSource({ kind: 'volume', key });
}

function keysOf(entries: readonly SnapshotEntry[]): string[] {
  return entries.map(({ key }) => key);
}

function describeEntry(pool: DescribedPool, { key, state }: SnapshotEntry): SnapshotInit {
  return 'record' in state
    ? describeSnapshot(pool, key, state.record)
    : describePending(pool, key, state.pending);
}
