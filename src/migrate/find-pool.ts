import { isNfsServer, serverIdentity } from '../config/nfs-server.ts';
import { isInside } from '../config/overlap.ts';
import type { PoolConfig } from '../config/schema.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Source } from './source.ts';

type NfsPool = Extract<PoolConfig, { kind: 'nfs' }>;

export type PoolFound =
  | { readonly kind: 'found'; readonly pool: NfsPool; readonly subDir: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Which names and addresses are one server's. */
export class Servers {
  readonly #groups: Set<string>[] = [];

  /** Takes pairs `one=other`. Throws UsageError for anything else. */
  constructor(pairs: readonly string[]) {
    for (const pair of pairs) {
      const [one = '', other = '', ...more] = pair.split('=');
      if (!isNfsServer(one) || !isNfsServer(other) || more.length > 0) {
        throw new UsageError(
          `--same-server ${pair}: expected two names or addresses of one server, as nas.example.com=10.0.0.5`,
        );
      }
      this.#join(serverIdentity(one), serverIdentity(other));
    }
  }

  #join(one: string, other: string): void {
    const joined = this.#groups.filter((group) => group.has(one) || group.has(other));
    for (const group of joined) this.#groups.splice(this.#groups.indexOf(group), 1);
    this.#groups.push(new Set([one, other, ...joined.flatMap((group) => [...group])]));
  }

  areSame(one: string, other: string): boolean {
    const [left, right] = [serverIdentity(one), serverIdentity(other)];
    return left === right || this.#groups.some((group) => group.has(left) && group.has(right));
  }
}

/** The pool that has this directory below it: of several (two names of one server), the nearest above it. */
export function findPool(
  { server, path, share }: Source,
  pools: ReadonlyMap<string, PoolConfig>,
  servers: Servers,
): PoolFound {
  const all = [...pools.values()].filter((pool): pool is NfsPool => pool.kind === 'nfs');
  const above = (pool: NfsPool) => isInside(path, pool.nfs.path);
  const onServer = all.filter((pool) => servers.areSame(pool.nfs.server, server));
  const [nearest] = onServer.filter(above).sort((one, other) => other.nfs.path.length - one.nfs.path.length);
  if (nearest !== undefined) {
    const root = nearest.nfs.path;
    return { kind: 'found', pool: nearest, subDir: path.slice(root === '/' ? 1 : root.length + 1) };
  }
  const where = `${server}:${path}`;
  const around = onServer.find((pool) => pool.nfs.path === path || isInside(pool.nfs.path, path));
  if (around !== undefined) {
    return refused(
      `${where} is ${around.nfs.path === path ? '' : 'above '}the pool ${around.name}, and a volume is a directory below its pool; make the directory above it a pool`,
    );
  }
  const elsewhere = all.find(above);
  const add = `to have it, add to the config's pools: NAME: { nfs: { server: ${JSON.stringify(server)}, path: ${JSON.stringify(share)} } }`;
  if (elsewhere === undefined) return refused(`no pool of the config has ${where}; ${add}`);
  const { name, nfs } = elsewhere;
  return refused(
    `no pool of the config has ${where}; the pool ${name} is ${nfs.server}:${nfs.path}: if that is the same server, say so with --same-server ${server}=${nfs.server}; else, ${add}`,
  );
}

function refused(reason: string): PoolFound {
  return { kind: 'refused', reason };
}
