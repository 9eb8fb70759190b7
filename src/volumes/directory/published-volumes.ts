import type { PoolConfig } from '../../config/schema.ts';
import { isErrno } from '../../errors/errno.ts';
import { nfsSource } from '../../host/mount.ts';
import { MountPointError, resolveMountPoint } from '../../host/mount-point.ts';
import { isNfs, type Mount, topmostAt } from '../../host/mountinfo.ts';
import { type PoolView, type SharedMounts, viewLocal } from '../../pools/shared-mount.ts';
import { plainPath } from '../plain-path.ts';
import { type DirectoryLocation, locateDirectory } from '../volume-context.ts';
import { parseVolumeId } from '../volume-id.ts';
import { directoryIn, isOf } from './published.ts';

export interface PublishedVolumesDeps {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly mounts: SharedMounts;
  /** Where a volume is that this process or one before it has published. */
  readonly locationOf: (volumeId: string) => DirectoryLocation | undefined;
}

/** Which mounts of this node are publications of which volume: the mount table has no volume's name. */
export class PublishedVolumes {
  readonly #deps: PublishedVolumesDeps;

  constructor(deps: PublishedVolumesDeps) {
    this.#deps = deps;
  }

  /** Everywhere a volume is published, also where its directory was removed since. */
  placesOf(volumeId: string, table: readonly Mount[]): Mount[] {
    const shows = this.#shows(volumeId, table);
    return table.filter(
      (mount) =>
        shows(mount) && !this.#deps.mounts.owns(mount) && topmostAt(table, mount.mountPoint) === mount,
    );
  }

  /**
   * A volume's mount at a path as it came in a request; undefined where nothing is mounted, or what is mounted there
   * is another volume's or none of Berth's.
   */
  at(volumeId: string, path: string, table: readonly Mount[]): Mount | undefined {
    const mount = mountAt(path, table);
    if (mount === undefined || this.#deps.mounts.owns(mount)) return undefined;
    return this.#shows(volumeId, table)(mount) ? mount : undefined;
  }

  /** Tells whether a mount shows a volume's directory. */
  #shows(volumeId: string, table: readonly Mount[]): (mount: Mount) => boolean {
    const location = this.#deps.locationOf(volumeId) ?? this.#byId(volumeId);
    if (location === undefined) return () => false;
    const { pool, subDir } = location;
    if (pool.kind === 'local') {
      const view = viewOf(pool);
      // The pool's directory was removed, and its volumes' with it; their binds still show the end of their paths.
      if (view === undefined) return ({ deleted, root }) => deleted && root.endsWith(`/${subDir}`);
      const directory = directoryIn(view, subDir);
      return (mount) => isOf({ ...mount, deleted: false }, directory);
    }
    const sources = this.#sourcesOf(pool, table).map((source) => `${source}/${subDir}`);
    return (mount) => isNfs(mount) && sources.includes(mount.source);
  }

  /** As the config has it, and as it is mounted: after an edit of the config running pods keep the mount they have. */
  #sourcesOf(
    { name, nfs }: Extract<PoolConfig, { kind: 'nfs' }>,
    table: readonly Mount[],
  ): readonly string[] {
    const held = this.#deps.mounts.held(table).filter(({ pool }) => pool === name);
    const sources = [nfsSource(nfs.server, nfs.path), ...held.map(({ mount }) => mount.source)];
    return sources.map((source) => source.replace(/\/+$/, ''));
  }

  /** The directory of a volume without a subDir of its own. */
  #byId(volumeId: string): DirectoryLocation | undefined {
    const { pools } = this.#deps;
    const id = parseVolumeId(volumeId);
    return id !== undefined && pools.has(id.pool) ? locateDirectory(volumeId, {}, pools) : undefined;
  }
}

/** The mount at a path; relative paths and those that lead nowhere have none. */
function mountAt(path: string, table: readonly Mount[]): Mount | undefined {
  // Looking a ".." up could lead onto a dead server's mount, and no caller has reason to send one.
  if (!path.startsWith('/') || path.split('/').includes('..')) return undefined;
  const plain = plainPath(path);
  const mount = topmostAt(table, plain);
  if (mount !== undefined) return mount;
  try {
    return topmostAt(table, resolveMountPoint(plain, table));
  } catch (error) {
    if (error instanceof MountPointError || isErrno(error, 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw error;
  }
}

/** Undefined where its directory is missing. */
function viewOf({ name, local }: Extract<PoolConfig, { kind: 'local' }>): PoolView | undefined {
  try {
    return viewLocal(name, local.path);
  } catch {
    return undefined;
  }
}
