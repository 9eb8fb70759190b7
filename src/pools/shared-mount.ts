import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { NfsPoolConfig, PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/errno.ts';
import { CommandError } from '../host/command-error.ts';
import { listLoops } from '../host/loop.ts';
import { mountNfs, unmount } from '../host/mount.ts';
import {
  isRemote,
  isWithin,
  type Mount,
  mountHolding,
  mountsBelow,
  readMountinfo,
  topmostAt,
} from '../host/mountinfo.ts';
import { mountFailure } from './mount-failure.ts';
import { type MountObserver, observed } from './mount-observer.ts';

/** A pool as this node sees it: where its tree is, and how the mount table shows what lies in it. */
export interface PoolView {
  /** The directory that holds the pool's tree. */
  readonly path: string;
  /** The mount that the directory is, or lies in. */
  readonly mount: Mount;
  /** The directory within the mount's file system: what the table shows as root of a bind of it. */
  readonly root: string;
  /** NFS: `server:/path` as the table shows it; a bind has its directory at the end of it, and "/" as root. */
  readonly source: string | undefined;
  /** The mount table as it was when the mount was found there. */
  readonly table: readonly Mount[];
}

/** One mount of a pool's export; volumes with NFS options of their own have another than those without. */
interface Shared {
  /** Volumes staged since this process started; those from before show in the mount table once published. */
  readonly leases: Set<string>;
  mounting?: Promise<void> | undefined;
  releasing?: Promise<void> | undefined;
  /** Names looked up through the mount with this id. Absent: the mount was found, and its caches may hold anything. */
  looked?: { readonly mountId: number; readonly names: Set<string> } | undefined;
}

/** Beyond so many names it is no longer worth knowing which ones the kernel may have cached. */
const maxNames = 10_000;

const mountTimeoutMs = 30_000;

/**
 * The pools' mounts on a node, each mounted once and shared by its volumes. The mount table is the only memory
 * that survives this process: a mount is found again by its path, and its users are the binds out of it.
 * Mounting and letting go of one mount exclude each other; a volume's lease, taken before anything is waited for,
 * keeps its mount from going between `ensure` and the bind.
 */
export class SharedMounts {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #observe: MountObserver;
  readonly #shared = new Map<string, Shared>();
  readonly #failures = new Map<string, CsiError>();

  /** `directory`: holds `<pool>/<hash>` for each mount; on a disk of this machine. */
  constructor(directory: string, log: Logger, observe: MountObserver = () => {}) {
    this.#directory = directory;
    this.#log = log;
    this.#observe = observe;
  }

  /**
   * Makes sure that a pool's tree can be reached, and leases it to a volume until `release`.
   * Throws CsiError: UNAVAILABLE for a server that does not answer, else what has to be put right.
   */
  async ensure(pool: PoolConfig, options: readonly string[], volumeId: string): Promise<PoolView> {
    if (pool.kind === 'local') return viewLocal(pool.name, pool.local.path);
    const path = this.#pathOf(pool.name, pool.nfs, options);
    const shared = this.#at(path);
    shared.leases.add(volumeId);
    while (shared.releasing !== undefined) await shared.releasing;
    let table = readMountinfo();
    let mount = topmostAt(table, path);
    if (mount === undefined) {
      shared.mounting ??= this.#mount(pool.name, pool.nfs, options, path).finally(() => {
        shared.mounting = undefined;
      });
      try {
        await shared.mounting;
      } catch (error) {
        shared.leases.delete(volumeId);
        throw error;
      }
      table = readMountinfo();
      mount = topmostAt(table, path);
      if (mount === undefined) throw vanished(pool.name);
      const { id, device } = mount;
      // Caches belong to the file system, which outlives the mount while binds are left.
      const isNew = !table.some((other) => other.device === device && other.id !== id);
      shared.looked ??= isNew ? { mountId: id, names: new Set() } : undefined;
    }
    return { path, mount, root: mount.root, source: mount.source, table };
  }

  /**
   * Notes that a directory is looked up, and says whether the kernel may have an older answer in its cache: the
   * name of a directory that was removed and made again since.
   */
  mayBeCached(view: PoolView, subDir: string): boolean {
    if (view.source === undefined) return false;
    const looked = this.#at(view.path).looked;
    if (looked === undefined || looked.mountId !== view.mount.id || looked.names.has(subDir)) return true;
    if (looked.names.size >= maxNames) this.#at(view.path).looked = undefined;
    else looked.names.add(subDir);
    return false;
  }

  /** Mounts a pool anew that was found stale: the server was rebuilt. Binds of the old mount stay as they are. */
  async renew(stale: PoolView): Promise<void> {
    const shared = this.#at(stale.path);
    while (shared.releasing !== undefined) await shared.releasing;
    // Somebody else was faster.
    if (topmostAt(readMountinfo(), stale.path)?.id !== stale.mount.id) return;
    shared.releasing = observed(
      this.#observe,
      { operation: 'unmount', pool: this.#poolOf(stale.mount) },
      async () => {
        await unmount(stale.path, { force: false });
      },
    ).finally(() => {
      shared.releasing = undefined;
    });
    await shared.releasing;
  }

  /**
   * Ends a volume's lease and lets go of the mounts that nobody uses any more. Bounded, also with a dead server;
   * a mount that will not go is left for the next time. Never throws.
   */
  async release(volumeId: string): Promise<void> {
    const table = readMountinfo();
    const held = new Set<string>();
    for (const [path, shared] of this.#shared) if (shared.leases.delete(volumeId)) held.add(path);
    // A volume staged before this process started has no lease, but its id usually names the pool. The others
    // are looked at too, since an edited config leaves mounts behind, but a dead server of theirs is not waited for.
    const pool = volumeId.split('/', 1)[0];
    const waitFor: Promise<void>[] = [];
    for (const { pool: name, mount } of this.held(table)) {
      const released = this.#releaseUnused(mount.mountPoint, table);
      if (held.has(mount.mountPoint) || name === pool) waitFor.push(released);
    }
    await Promise.all(waitFor);
  }

  /** Where what is mounted is neither a pool nor a publication; for mounts of a moment. */
  get asides(): string {
    // No pool's name begins with a dot.
    return join(this.#directory, '.aside');
  }

  /** The mounts held now, by pool, as the mount table shows them. */
  held(table: readonly Mount[] = readMountinfo()): { pool: string; mount: Mount }[] {
    return mountsBelow(this.#directory, table)
      .filter(({ mountPoint }) => !isWithin(mountPoint, this.asides))
      .map((mount) => ({ pool: this.#poolOf(mount), mount }));
  }

  #poolOf({ mountPoint }: Mount): string {
    return mountPoint.slice(this.#directory.length + 1).split('/', 1)[0] ?? '';
  }

  /** Why a pool could not be mounted the last time it was tried; undefined if it could. */
  failureOf(pool: string): CsiError | undefined {
    return this.#failures.get(pool);
  }

  /** True for the mounts of this class, which are no publication of a volume. */
  owns(mount: Mount): boolean {
    return isWithin(mount.mountPoint, this.#directory);
  }

  #at(path: string): Shared {
    let shared = this.#shared.get(path);
    if (shared === undefined) {
      shared = { leases: new Set() };
      this.#shared.set(path, shared);
    }
    return shared;
  }

  /** An edited config gives another path, so that the new mount stands beside the old one. */
  #pathOf(pool: string, nfs: NfsPoolConfig, options: readonly string[]): string {
    const identity = JSON.stringify([nfs.server, nfs.path, nfs.mountOptions, options]);
    const hash = createHash('sha256').update(identity).digest('hex').slice(0, 12);
    return join(this.#directory, pool, hash);
  }

  async #mount(pool: string, nfs: NfsPoolConfig, options: readonly string[], target: string): Promise<void> {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    this.#at(target).looked = undefined;
    try {
      await observed(this.#observe, { operation: 'mount', pool }, () =>
        mountNfs({
          server: nfs.server,
          path: nfs.path,
          target,
          options: [...nfs.mountOptions, ...options],
          timeoutMs: mountTimeoutMs,
        }),
      );
    } catch (error) {
      // Killed at the deadline or beaten by another process, it may have mounted all the same.
      if (topmostAt(readMountinfo(), target) === undefined) {
        removeQuietly(target);
        const failure = mountFailure(error, { pool, server: nfs.server, timeoutMs: mountTimeoutMs });
        this.#failures.set(pool, failure);
        throw failure;
      }
    }
    this.#failures.delete(pool);
    this.#log.info({ pool }, 'pool mounted');
  }

  async #releaseUnused(path: string, table: readonly Mount[]): Promise<void> {
    const shared = this.#at(path);
    if (shared.mounting !== undefined || shared.leases.size > 0) return;
    if (shared.releasing !== undefined) return shared.releasing;
    const mount = topmostAt(table, path);
    if (mount !== undefined && this.#usersOf(mount, table)) return;
    shared.releasing = this.#unmount(path, mount).finally(() => {
      shared.releasing = undefined;
      if (shared.leases.size === 0) this.#shared.delete(path);
    });
    return shared.releasing;
  }

  /** `mount`: what is mounted there, if anything is. */
  async #unmount(path: string, mount: Mount | undefined): Promise<void> {
    const pool = mount === undefined ? undefined : this.#poolOf(mount);
    try {
      // The kernel would say that it is busy, and a lazy unmount would take it from the table all the same.
      if (mount !== undefined && (await hasLoops(mount.device))) return;
      if (pool !== undefined) {
        await observed(this.#observe, { operation: 'unmount', pool }, () => unmount(path));
      }
      removeQuietly(path);
      if (pool !== undefined) this.#log.info({ path }, 'pool unmounted: its last volume has gone');
    } catch (error) {
      this.#log.warn({ err: error, path }, 'a pool that no volume uses any more is still mounted');
    }
  }

  /** Whether anything else is mounted out of the same file system, below what this mount shows. */
  #usersOf(mount: Mount, table: readonly Mount[]): boolean {
    // NFS shows "/" as the root of every bind; where it is mounted from tells the directory.
    const source = mount.source.replace(/\/$/, '');
    return table.some(
      (other) =>
        other.device === mount.device &&
        other.source !== mount.source &&
        isWithin(other.source, source) &&
        !this.owns(other),
    );
  }
}

/** Whether a file of a file system has a loop device. Throws CommandError where nobody can tell. */
async function hasLoops(device: string): Promise<boolean> {
  try {
    return (await listLoops({ timeoutMs: 10_000 })).some((loop) => loop.device === device);
  } catch (error) {
    if (error instanceof CommandError && isErrno(error.cause, 'ENOENT')) return false;
    throw error;
  }
}

/** A local pool needs no mount. Throws FAILED_PRECONDITION where its directory is missing. */
export function viewLocal(pool: string, configured: string): PoolView {
  const table = readMountinfo();
  const below = mountHolding(table, configured);
  let path = configured;
  try {
    // Not where it could block: this is the one thread that answers everybody.
    if (below === undefined || !isRemote(below)) path = realpathSync.native(configured);
  } catch (error) {
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'pool-missing',
      `The directory of the pool ${pool} does not exist on this node; make it, or correct the pool's path in the config.`,
      { cause: error },
    );
  }
  const mount = mountHolding(table, path);
  if (mount === undefined) throw vanished(pool);
  const inside = mount.mountPoint === '/' ? path : path.slice(mount.mountPoint.length);
  return { path, mount, root: join(mount.root, inside), source: undefined, table };
}

function vanished(pool: string): CsiError {
  return new CsiError(
    status.UNAVAILABLE,
    'pool-unavailable',
    `The mount of the pool ${pool} went away again at once; repeat the call.`,
  );
}

/** An empty directory of ours; if it cannot be removed, it does no harm. */
function removeQuietly(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Gone, or mounted again by another process.
  }
}
