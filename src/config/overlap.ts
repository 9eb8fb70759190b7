import { serverIdentity } from './nfs-server.ts';

/** A pool of the config as it was written, with a normal path. */
export interface WrittenPool {
  readonly nfs?: { readonly server: string; readonly path: string } | undefined;
  readonly local?: { readonly path: string } | undefined;
}

export interface Overlap {
  /** Where in the mapping of pools: the later pool's path. */
  readonly path: readonly [pool: string, kind: 'nfs' | 'local', key: 'path'];
  readonly message: string;
}

interface Place {
  readonly name: string;
  readonly kind: 'nfs' | 'local';
  /** The machine: an NFS server, or nothing for this one. */
  readonly server: string;
  readonly path: string;
}

/**
 * The first pool whose tree is also an earlier one's, or one inside the other. Two pools know nothing of each other's
 * volumes: one would remove, list and give away what is the other's.
 */
export function findOverlap(pools: Readonly<Record<string, WrittenPool>>): Overlap | undefined {
  const earlier: Place[] = [];
  for (const [name, pool] of Object.entries(pools)) {
    const place = placeOf(name, pool);
    if (place === undefined) continue;
    for (const other of earlier) {
      const how = relation(place, other);
      if (how === undefined) continue;
      return {
        path: [name, place.kind, 'path'],
        message: `the pool ${name} is ${how} the pool ${other.name} (${other.path}); give each pool a directory of its own`,
      };
    }
    earlier.push(place);
  }
  return undefined;
}

function placeOf(name: string, { nfs, local }: WrittenPool): Place | undefined {
  if (nfs !== undefined) return { name, kind: 'nfs', server: serverIdentity(nfs.server), path: nfs.path };
  if (local !== undefined) return { name, kind: 'local', server: '', path: local.path };
  return undefined;
}

function relation(place: Place, other: Place): string | undefined {
  if (place.kind !== other.kind || place.server !== other.server) return undefined;
  if (place.path === other.path) return 'on the same directory as';
  if (isInside(place.path, other.path)) return 'inside';
  return isInside(other.path, place.path) ? 'around' : undefined;
}

/** Whether one normal path is below another. */
export function isInside(path: string, outer: string): boolean {
  return outer === '/' || path.startsWith(`${outer}/`);
}
