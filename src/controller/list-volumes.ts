import type { Store, Stores } from '../volumes/stores.ts';
import type { ListVolumesRequest, ListVolumesResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { describeVolume } from './describe-volume.ts';
import { formatPlace, keysAfter, type PageRequest, readPlace, storesFrom } from './pages.ts';

/**
 * CSI ListVolumes, with the nodes each volume is attached to; static volumes are listed while attached. Throws the
 * error of a pool that cannot be asked: from a list without its volumes external-attacher would conclude that they
 * are detached.
 */
export async function listVolumes(
  { stores, accessibility }: ControllerDeps,
  request: ListVolumesRequest,
): Promise<ListVolumesResponseInit> {
  const { parts, next } = await readPage(stores, request);
  const pages = await Promise.all(
    parts.map(async ({ store, keys, attached }) => {
      const entries = await store.pool.use((state, tree) =>
        store.inventory.describe(state, tree, keys, attached),
      );
      const pool = await accessibility.describe(store);
      return entries.map((entry) => ({
        volume: describeVolume(pool, entry),
        status: { published_node_ids: [...entry.nodes] },
      }));
    }),
  );
  return { entries: pages.flat(), next_token: next };
}

/** The keys of one pool that a page holds. */
interface PagePart {
  readonly store: Store;
  readonly keys: readonly string[];
  readonly attached: ReadonlySet<string>;
}

async function readPage(stores: Stores, request: PageRequest): Promise<{ parts: PagePart[]; next: string }> {
  const start = readPlace(stores, request);
  const parts: PagePart[] = [];
  let room = request.max_entries === 0 ? Number.POSITIVE_INFINITY : request.max_entries;
  let last = '';
  for (const store of storesFrom(stores, start)) {
    const { keys, attached } = await store.pool.use((state, tree) => store.inventory.keys(state, tree));
    const rest = keysAfter(start, store, keys);
    const taken = rest.slice(0, room);
    room -= taken.length;
    const key = taken.at(-1);
    if (key !== undefined) {
      parts.push({ store, keys: taken, attached });
      last = formatPlace({ pool: store.config.name, key });
    }
    if (taken.length < rest.length) return { parts, next: last };
  }
  return { parts, next: '' };
}
