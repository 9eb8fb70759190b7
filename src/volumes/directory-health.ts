import { status } from '@grpc/grpc-js';
import type { PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { nfsSource } from '../host/mount.ts';
import { MountPointError, resolveMountPoint } from '../host/mount-point.ts';
import { type Mount, readMountinfo, topmostAt } from '../host/mountinfo.ts';
import { type FilesystemUsage, troubleOf } from '../host/statfs.ts';
import { type SharedMounts, viewLocal } from '../pools/shared-mount.ts';
import type { UsageProbe } from '../pools/usage-probe.ts';
import { type Directory, directoryIn, isOf } from './published.ts';
import { type DirectoryLocation, locateDirectory } from './volume-context.ts';
import { parseVolumeId } from './volume-id.ts';

/** Something that is wrong with a volume, in the terms of CSI's VolumeHealth. */
export interface VolumeTrouble {
  readonly status: 'DEGRADED' | 'INACCESSIBLE';
  readonly reason: string;
  readonly message: string;
}

export interface PoolTrouble {
  readonly status: 'STORAGE_DEGRADED' | 'STORAGE_UNREACHABLE';
  readonly reason: string;
  readonly message: string;
}

export interface DirectoryHealthDeps {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly mounts: SharedMounts;
  readonly probe: UsageProbe;
  /** What this process knows of a volume, from staging it. */
  readonly locationOf: (volumeId: string) => DirectoryLocation | undefined;
}

const troubles = {
  silent: { reason: 'ServerNotAnswering', message: 'its server does not answer' },
  stale: {
    reason: 'StaleMount',
    message: 'its server does not know it any more; restart the pods that use it',
  },
  missing: { reason: 'DirectoryGone', message: 'its directory is gone' },
  failed: { reason: 'CannotBeRead', message: 'asking its file system gave an error, which the log has' },
} as const;

/** Questions about directory volumes on this node; each is answered within the probe's deadline. */
export class DirectoryHealth {
  readonly #deps: DirectoryHealthDeps;

  constructor(deps: DirectoryHealthDeps) {
    this.#deps = deps;
  }

  /**
   * Use of the pool's file system, as seen at a volume's path. Throws NOT_FOUND where the volume is not mounted,
   * UNAVAILABLE where its server does not answer.
   */
  async usage(volumeId: string, path: string): Promise<FilesystemUsage> {
    const mount = this.publishedAt(volumeId, path);
    try {
      return await this.#deps.probe.ask(mount.mountPoint, mount.device);
    } catch (error) {
      const { message } = troubles[troubleOf(error)];
      throw new CsiError(
        status.UNAVAILABLE,
        'volume-unavailable',
        `The use of the volume ${volumeId} cannot be told: ${message}.`,
        { cause: error },
      );
    }
  }

  /** The mount of a volume at a path. Throws NOT_FOUND. */
  publishedAt(volumeId: string, path: string): Mount {
    const table = readMountinfo();
    const mount = at(table, path);
    if (mount === undefined || !this.#mayBe(volumeId, mount)) {
      throw new CsiError(
        status.NOT_FOUND,
        'volume-not-published',
        `The volume ${volumeId} is not published at that path of this node.`,
      );
    }
    return mount;
  }

  /** What is wrong with a volume on this node; nothing: an empty list. Throws NOT_FOUND for an unknown volume. */
  async ofVolume(volumeId: string, publishPath: string): Promise<VolumeTrouble[]> {
    const table = readMountinfo();
    const known = this.#deps.locationOf(volumeId);
    const mount = publishPath === '' ? this.#mountOf(volumeId, table) : at(table, publishPath);
    if (mount === undefined) {
      if (known === undefined) {
        throw new CsiError(
          status.NOT_FOUND,
          'volume-not-on-node',
          `The volume ${volumeId} is not known on this node: it is neither staged nor published.`,
        );
      }
      if (publishPath !== '') return [inaccessible('NotMounted', 'it is not mounted at its publish path')];
      return this.#ofPoolOf(known, table);
    }
    if (mount.deleted)
      return [inaccessible('DirectoryGone', 'its directory was removed while it was mounted')];
    return this.#ask(mount);
  }

  /** The pools of the config that this node has trouble with. */
  async ofPools(): Promise<PoolTrouble[]> {
    const table = readMountinfo();
    const found = await Promise.all([...this.#deps.pools.values()].map((pool) => this.#ofPool(pool, table)));
    const groups = Map.groupBy(found.flat(), ({ reason }) => reason);
    // The spec allows one entry for each reason, so it names all the pools.
    return [...groups].map(([reason, entries]) => ({
      status: reason === troubles.failed.reason ? 'STORAGE_DEGRADED' : 'STORAGE_UNREACHABLE',
      reason,
      message: entries.map(({ message }) => message).join(' '),
    }));
  }

  async #ofPool(pool: PoolConfig, table: readonly Mount[]): Promise<{ reason: string; message: string }[]> {
    if (pool.kind === 'local') {
      try {
        viewLocal(pool.name, pool.local.path);
        return [];
      } catch (error) {
        return [{ reason: 'PoolMissing', message: messageOf(error) }];
      }
    }
    const held = this.#deps.mounts.held(table).filter((entry) => entry.pool === pool.name);
    const failure = this.#deps.mounts.failureOf(pool.name);
    if (held.length === 0 && failure !== undefined)
      return [{ reason: 'MountFailed', message: failure.message }];
    const asked = await Promise.all(held.map(({ mount }) => this.#ask(mount)));
    const first = asked.flat()[0];
    return first === undefined
      ? []
      : [{ reason: first.reason, message: first.message.replace('The volume', `The pool ${pool.name}`) }];
  }

  async #ofPoolOf(location: DirectoryLocation, table: readonly Mount[]): Promise<VolumeTrouble[]> {
    const entries = await this.#ofPool(location.pool, table);
    return entries.map(({ reason, message }) => ({ status: 'INACCESSIBLE', reason, message }));
  }

  async #ask(mount: Mount): Promise<VolumeTrouble[]> {
    try {
      await this.#deps.probe.ask(mount.mountPoint, mount.device);
      return [];
    } catch (error) {
      const trouble = troubleOf(error);
      const { reason, message } = troubles[trouble];
      const entry = inaccessible(reason, message);
      return [trouble === 'failed' ? { ...entry, status: 'DEGRADED' } : entry];
    }
  }

  /** One of the places where a volume is published; all show the same directory. */
  #mountOf(volumeId: string, table: readonly Mount[]): Mount | undefined {
    const directory = this.#directoryOf(volumeId);
    if (directory === undefined) return undefined;
    return table.find((mount) => isOf(mount, directory) && !this.#deps.mounts.owns(mount));
  }

  /** False only for a volume that is known to be another directory than this. */
  #mayBe(volumeId: string, mount: Mount): boolean {
    if (this.#deps.locationOf(volumeId) === undefined) return true;
    const directory = this.#directoryOf(volumeId);
    return directory === undefined || isOf({ ...mount, deleted: false }, directory);
  }

  #directoryOf(volumeId: string): Directory | undefined {
    const location = this.#deps.locationOf(volumeId) ?? this.#guess(volumeId);
    if (location === undefined) return undefined;
    const { pool, subDir } = location;
    if (pool.kind === 'local') {
      try {
        return directoryIn(viewLocal(pool.name, pool.local.path), subDir);
      } catch {
        return undefined;
      }
    }
    const held = this.#deps.mounts.held().find((entry) => entry.pool === pool.name);
    const base = (held?.mount.source ?? nfsSource(pool.nfs.server, pool.nfs.path)).replace(/\/+$/, '');
    return { device: '', root: '', source: `${base}/${subDir}` };
  }

  /** After a restart only the id is known; it tells the directory of volumes without a template. */
  #guess(volumeId: string): DirectoryLocation | undefined {
    const { pools } = this.#deps;
    const id = parseVolumeId(volumeId);
    return id !== undefined && pools.has(id.pool) ? locateDirectory(volumeId, {}, pools) : undefined;
  }
}

/** The mount at a path as it came in a request; relative paths and those that lead nowhere have none. */
function at(table: readonly Mount[], path: string): Mount | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    return topmostAt(table, resolveMountPoint(path, table));
  } catch (error) {
    if (error instanceof MountPointError) return undefined;
    throw error;
  }
}

function inaccessible(reason: string, what: string): VolumeTrouble {
  return { status: 'INACCESSIBLE', reason, message: `The volume cannot be used on this node: ${what}.` };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'The pool cannot be reached.';
}
