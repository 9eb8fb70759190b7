import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Store, Stores } from '../volumes/stores.ts';

/**
 * Lists over all pools go by pool and key. A page's token is the place of the last volume that was told,
 * `<pool>/<key>`: it stays valid when volumes, that one included, come and go between two pages.
 */
export interface Place {
  readonly pool: string;
  readonly key: string;
}

export interface PageRequest {
  readonly max_entries: number;
  readonly starting_token: string;
}

export type Pools = Pick<Stores, 'all' | 'find'>;

/** Where a list goes on; undefined for its beginning. Throws ABORTED for a token that this driver did not give. */
export function readPlace(stores: Pools, { starting_token: token }: PageRequest): Place | undefined {
  if (token === '') return undefined;
  const [, pool = '', key = ''] = /^([a-z0-9-]{1,32})\/(@?[A-Za-z0-9._-]{1,64})$/.exec(token) ?? [];
  if (stores.find(pool) !== undefined) return { pool, key };
  throw new CsiError(
    status.ABORTED,
    'token-invalid',
    'The starting token is none that this driver gave; begin the list again without one.',
  );
}

export function formatPlace({ pool, key }: Place): string {
  return `${pool}/${key}`;
}

/** The pools that a list goes through from a place on, in order. */
export function storesFrom(stores: Pools, place: Place | undefined): Store[] {
  return stores
    .all()
    .filter(({ config }) => place === undefined || config.name >= place.pool)
    .sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
}

/** Those of a pool's keys, which are sorted, that a list from a place on tells of. */
export function keysAfter(
  place: Place | undefined,
  { config }: Store,
  keys: readonly string[],
): readonly string[] {
  return place?.pool === config.name ? keys.filter((key) => key > place.key) : keys;
}
