import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Store, Stores } from '../volumes/stores.ts';

/**
 * One page of a list over all pools. The token is the last entry's place in the order, `<pool>/<key>`: it stays
 * valid when entries, that one included, come and go between two pages.
 */
export interface PageRequest {
  readonly max_entries: number;
  readonly starting_token: string;
}

/** The keys of one pool that a page holds. */
interface PagePart {
  readonly store: Store;
  readonly keys: readonly string[];
  readonly attached: ReadonlySet<string>;
}

/** Throws INVALID_ARGUMENT for a negative maximum, ABORTED for a token that this driver did not give. */
export async function readPage(
  stores: Stores,
  { max_entries: maximum, starting_token: token }: PageRequest,
): Promise<{ parts: PagePart[]; next: string }> {
  if (maximum < 0) {
    throw new CsiError(
      status.INVALID_ARGUMENT,
      'page-size-invalid',
      'The maximum of entries is negative; 0 asks for all.',
    );
  }
  const after = token === '' ? undefined : readToken(stores, token);
  const parts: PagePart[] = [];
  let room = maximum === 0 ? Number.POSITIVE_INFINITY : maximum;
  let last = '';
  for (const store of sorted(stores)) {
    const name = store.config.name;
    if (after !== undefined && name < after.pool) continue;
    const { keys, attached } = await store.pool.use((state, tree) => store.inventory.keys(state, tree));
    const rest = after?.pool === name ? keys.filter((key) => key > after.key) : keys;
    if (rest.length > 0 && room === 0) return { parts, next: last };
    const taken = rest.slice(0, room);
    room -= taken.length;
    if (taken.length > 0) {
      parts.push({ store, keys: taken, attached });
      last = `${name}/${taken.at(-1)}`;
    }
    if (taken.length < rest.length) return { parts, next: last };
  }
  return { parts, next: '' };
}

function sorted(stores: Stores): Store[] {
  return stores.all().sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
}

function readToken(stores: Stores, token: string): { pool: string; key: string } {
  const match = /^([a-z0-9-]{1,32})\/(@?[A-Za-z0-9._-]{1,64})$/.exec(token);
  const [, pool = '', key = ''] = match ?? [];
  if (match !== null && stores.find(pool) !== undefined) return { pool, key };
  throw new CsiError(
    status.ABORTED,
    'token-invalid',
    'The starting token is none that this driver gave; begin the list again without one.',
  );
}
