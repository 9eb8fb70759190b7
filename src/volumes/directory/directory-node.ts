import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CsiError } from '../../errors/csi-error.ts';
import { unmount } from '../../host/mount.ts';
import { MountPointError, removeMountPoint, resolveMountPoint } from '../../host/mount-point.ts';
import { type Mount, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { type MountObserver, observed } from '../../pools/mount-observer.ts';
import type { PoolView, SharedMounts } from '../../pools/shared-mount.ts';
import type { Capability } from '../capability.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { plainPath } from '../plain-path.ts';
import { bindUnproven, makeTarget, mountPointFailure, mountPointOf, occupied } from '../publish-target.ts';
import type { DirectoryLocation } from '../volume-context.ts';
import type { BindAsides } from './bind-asides.ts';
import { bindDirectory } from './bind-directory.ts';
import { leadsElsewhere } from './bind-failure.ts';
import { bindFlags, hasFlags, splitFlags } from './bind-flags.ts';
import type { BindNotes } from './bind-notes.ts';
import { type Directory, directoryIn, isExactly, isOf } from './published.ts';

export interface DirectoryNodeDeps {
  readonly mounts: SharedMounts;
  readonly asides: BindAsides;
  readonly notes: BindNotes;
  readonly log: Logger;
  readonly observe: MountObserver;
}

export interface StageDirectory {
  readonly volumeId: string;
  readonly location: DirectoryLocation;
  readonly capability: Capability;
  readonly stagingPath: string;
}

export interface PublishDirectory extends StageDirectory {
  readonly targetPath: string;
  readonly readOnly: boolean;
}

/**
 * Directory volumes on a node. A volume is a bind mount of its directory out of the pool's one mount; there is
 * nothing at its staging path, since a second bind there would cost a process and give nothing. NFS options of its
 * own make it use another mount of the same export, never a mount of its own subdirectory: what a server makes of
 * a path with a symbolic link in it (NFSv3 resolves it there, NFSv4 on the way) could not be proven afterwards.
 */
export class DirectoryNode {
  readonly #pools: SharedMounts;
  readonly #asides: BindAsides;
  readonly #notes: BindNotes;
  readonly #log: Logger;
  readonly #observe: MountObserver;
  readonly #mutex = new KeyedMutex();
  /** Volumes seen since this process started; for questions that name a volume and no path. */
  readonly #known = new Map<string, DirectoryLocation>();

  /** The mount flags of what was staged since this process started, by volume and staging path. */
  readonly #staged = new Map<string, string>();

  /** Volumes published since they were staged: until they are unstaged, nobody may make their directory anew. */
  readonly #seen = new Set<string>();

  constructor({ mounts, asides, notes, log, observe }: DirectoryNodeDeps) {
    this.#pools = mounts;
    this.#asides = asides;
    this.#notes = notes;
    this.#log = log;
    this.#observe = observe;
  }

  /** Where a volume is that was staged or published since this process started. */
  locationOf(volumeId: string): DirectoryLocation | undefined {
    return this.#known.get(volumeId);
  }

  /**
   * Makes the pool reachable and keeps it so for this volume. The directory itself is looked at by publish. Throws
   * ALREADY_EXISTS where the volume is known to be staged at the path with other mount flags. Another access mode is
   * fine: nothing at the path depends on it, and a kubelet that was updated may ask for the same volume with another.
   */
  async stage({ volumeId, location, capability, stagingPath }: StageDirectory): Promise<void> {
    const place = stagingPlace(volumeId, stagingPath);
    const flags = JSON.stringify(capability.mountFlags);
    if ((this.#staged.get(place) ?? flags) !== flags) throw stagedDifferently(volumeId);
    await this.#pools.ensure(location.pool, splitFlags(capability.mountFlags).nfs, volumeId);
    this.#known.set(volumeId, location);
    this.#staged.set(place, flags);
  }

  /**
   * Makes the volume's directory appear at the target path. Throws ALREADY_EXISTS where something else is there,
   * FAILED_PRECONDITION where the access mode allows one path only, NOT_FOUND for a directory that is missing.
   */
  async publish(request: PublishDirectory): Promise<void> {
    const { volumeId, location } = request;
    const targetPath = plainPath(request.targetPath);
    const stagingPath = plainPath(request.stagingPath);
    // The directory's key keeps two calls for two targets from both finding the other not there yet.
    const keys = [`target ${targetPath}`, `directory ${location.pool.name}/${location.subDir}`];
    await this.#mutex.run(keys, () => this.#publish({ ...request, targetPath, stagingPath }));
    this.#known.set(volumeId, location);
    this.#notes.write(volumeId, location);
  }

  async #publish(request: PublishDirectory): Promise<void> {
    const { volumeId, location, capability, targetPath } = request;
    const { pool, subDir } = location;
    const flags = splitFlags(capability.mountFlags);
    const view = await this.#pools.ensure(pool, flags.nfs, volumeId);
    const target = mountPointOf(targetPath, view.table);
    const directory = directoryIn(view, subDir);
    const wanted = bindFlags(view.mount, flags.bind, request.readOnly);

    const existing = topmostAt(view.table, target);
    if (existing !== undefined) {
      if (isOf(existing, directory) && hasFlags(existing, wanted.asked)) return;
      throw occupied(targetPath, isOf(existing, directory));
    }
    // A snapshot's directory may be several volumes'.
    if (!capability.manyTargets && location.snapshot === undefined) {
      this.#refuseSecondTarget(request, target, directory, view.table);
    }

    const made = makeTarget(target, targetPath, { isFile: false });
    try {
      await observed(this.#observe, { operation: 'mount', pool: undefined }, () =>
        bindDirectory({
          pools: this.#pools,
          pool,
          view,
          subDir,
          options: flags.nfs,
          volumeId,
          target,
          flags: wanted.mount,
          asides: this.#asides,
          fresh: this.#seen.has(volumeId),
        }),
      );
      const mount = topmostAt(readMountinfo(), target);
      if (mount === undefined) throw bindUnproven(targetPath);
      const proven = isExactly(mount, directory) || isExactly(mount, this.#now(view, subDir));
      if (!proven) throw leadsElsewhere(volumeId, pool.name);
      if (!hasFlags(mount, wanted.shown)) throw bindUnproven(targetPath);
    } catch (error) {
      await this.#undo(target, made);
      throw error;
    }
    this.#seen.add(volumeId);
  }

  /** The directory by the pool's mount as it is now: it may have been made anew meanwhile. */
  #now(view: PoolView, subDir: string): Directory {
    const mount = view.source === undefined ? undefined : topmostAt(readMountinfo(), view.path);
    return directoryIn(mount === undefined ? view : { ...view, mount, root: mount.root }, subDir);
  }

  #refuseSecondTarget(
    request: PublishDirectory,
    target: string,
    directory: Directory,
    table: readonly Mount[],
  ): void {
    const own = [target, request.stagingPath];
    const other = table.find(
      (mount) => isOf(mount, directory) && !this.#pools.owns(mount) && !own.includes(mount.mountPoint),
    );
    if (other === undefined) return;
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'published-elsewhere',
      `The volume ${request.volumeId} is published at another path of this node, and its access mode ` +
        `(${request.capability.mode}) allows one only; unpublish it there first, or use ReadWriteMany.`,
    );
  }

  /** Takes away what is mounted at a target path, and the directory itself. Nothing there is fine. */
  async unpublish(path: string): Promise<void> {
    const targetPath = plainPath(path);
    await this.#mutex.run([`target ${targetPath}`], async () => {
      let target: string;
      try {
        target = resolveMountPoint(targetPath, readMountinfo());
      } catch (error) {
        if (error instanceof MountPointError && error.problem === 'no-parent') return;
        throw mountPointFailure(error, targetPath);
      }
      await this.#unmount(target, targetPath);
      try {
        removeMountPoint(target);
      } catch (error) {
        throw mountPointFailure(error, targetPath);
      }
    });
  }

  /** Ends the volume's use of its pool. Never waits longer than umount's deadlines. */
  async unstage(volumeId: string, path: string): Promise<void> {
    const stagingPath = plainPath(path);
    // Berth mounts nothing there; if anybody did, kubelet could not remove the directory.
    if (topmostAt(readMountinfo(), stagingPath) !== undefined) await this.#unmount(stagingPath, stagingPath);
    await this.#pools.release(volumeId);
    this.#known.delete(volumeId);
    this.#staged.delete(stagingPlace(volumeId, stagingPath));
    this.#notes.remove(volumeId);
    this.#seen.delete(volumeId);
  }

  async #unmount(target: string, shown: string): Promise<void> {
    try {
      await observed(this.#observe, { operation: 'unmount', pool: undefined }, () =>
        unmount(target, { force: false }),
      );
    } catch (error) {
      throw new CsiError(
        status.INTERNAL,
        'still-mounted',
        `The path ${shown} is still mounted, although umount was tried plainly and lazily; the log has what it said.`,
        { cause: error },
      );
    }
  }

  async #undo(target: string, made: boolean): Promise<void> {
    try {
      await unmount(target, { force: false });
      if (made) removeMountPoint(target);
    } catch (error) {
      this.#log.warn({ err: error, target }, 'a publish that failed left something at its target path');
    }
  }
}

function stagingPlace(volumeId: string, stagingPath: string): string {
  return JSON.stringify([volumeId, plainPath(stagingPath)]);
}

/** The flags themselves are never repeated. */
function stagedDifferently(volumeId: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'staged-differently',
    `The volume ${volumeId} is staged at the staging path already, with other mount flags; unstage it there first.`,
  );
}
