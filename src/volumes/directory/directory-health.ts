import { status } from '@grpc/grpc-js';
import type { PoolConfig } from '../../config/schema.ts';
import { CsiError } from '../../errors/csi-error.ts';
import { type Mount, readMountinfo } from '../../host/mountinfo.ts';
import { type FilesystemUsage, troubleOf } from '../../host/statfs.ts';
import { type SharedMounts, viewLocal } from '../../pools/shared-mount.ts';
import type { UsageProbe } from '../../pools/usage-probe.ts';
import type { DirectoryLocation } from '../volume-context.ts';
import type { PublishedVolumes } from './published-volumes.ts';

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
  readonly mounts: Pick<SharedMounts, 'held' | 'failureOf'>;
  readonly probe: Pick<UsageProbe, 'ask'>;
  readonly published: Pick<PublishedVolumes, 'at' | 'placesOf'>;
  /** Where a volume is that was staged or published since this process started. */
  readonly stagedAt: (volumeId: string) => DirectoryLocation | undefined;
}

const troubles = {
  silent: {
    reason: 'ServerNotAnswering',
    message: 'its server (or the disk of a local pool) does not answer',
  },
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
    const mount = this.#deps.published.at(volumeId, path, readMountinfo());
    if (mount !== undefined) return mount;
    throw new CsiError(
      status.NOT_FOUND,
      'volume-not-published',
      `The volume ${volumeId} is not published at that path of this node.`,
    );
  }

  /**
   * What is wrong with a volume on this node, at a path or, where that is empty, wherever it is published; nothing: an
   * empty list. Throws NOT_FOUND for a volume that is not on this node.
   */
  async ofVolume(volumeId: string, publishPath: string): Promise<VolumeTrouble[]> {
    const { published, stagedAt } = this.#deps;
    const table = readMountinfo();
    const staged = stagedAt(volumeId);
    const places = published.placesOf(volumeId, table);
    if (staged === undefined && places.length === 0) throw notOnNode(volumeId);
    if (publishPath === '') {
      // All show the same directory, unless it was removed and made again.
      const mount = places.find(({ deleted }) => deleted) ?? places[0];
      if (mount !== undefined) return this.#ofMount(mount);
      return staged === undefined ? [] : this.#ofPoolOf(staged, table);
    }
    const mount = published.at(volumeId, publishPath, table);
    if (mount === undefined) return [inaccessible('NotMounted', 'it is not mounted at its publish path')];
    return this.#ofMount(mount);
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

  async #ofMount(mount: Mount): Promise<VolumeTrouble[]> {
    if (!mount.deleted) return this.#ask(mount);
    return [inaccessible('DirectoryGone', 'its directory was removed while it was mounted')];
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
}

function notOnNode(volumeId: string): CsiError {
  return new CsiError(
    status.NOT_FOUND,
    'volume-not-on-node',
    `The volume ${volumeId} is not known on this node: it is neither staged nor published.`,
  );
}

function inaccessible(reason: string, what: string): VolumeTrouble {
  return { status: 'INACCESSIBLE', reason, message: `The volume cannot be used on this node: ${what}.` };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'The pool cannot be reached.';
}
