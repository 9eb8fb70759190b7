import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isNfs, isWithin, type Mount, mountHolding, readMountinfo } from './mountinfo.ts';

/** Why a directory cannot serve as a mount point, or not be removed. */
export class MountPointError extends Error {
  readonly problem: 'no-parent' | 'not-a-directory' | 'not-an-empty-file' | 'not-empty' | 'on-nfs';

  constructor(problem: MountPointError['problem'], message: string) {
    super(message);
    this.name = 'MountPointError';
    this.problem = problem;
  }
}

/**
 * The path under which the mount table knows a mount point: its parent's symbolic links are resolved, since
 * /var/lib/kubelet is one on many machines. The last part is never looked at: it may be a dead NFS mount.
 * Synchronous, as all of this file: the parent is on a disk of this machine, which is checked first.
 */
export function resolveMountPoint(path: string, mounts: readonly Mount[]): string {
  const parent = dirname(path);
  const holder = mountHolding(mounts, parent);
  if (
    holder !== undefined &&
    isNfs(holder) &&
    holder.mountPoint !== '/' &&
    isWithin(parent, holder.mountPoint)
  ) {
    throw new MountPointError('on-nfs', `${parent} is on an NFS mount`);
  }
  try {
    return join(realpathSync.native(parent), basename(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new MountPointError('no-parent', `${parent} does not exist`);
    if (hasCode(error, 'ENOTDIR')) throw new MountPointError('not-a-directory', `${parent} is no directory`);
    throw error;
  }
}

/** The same; undefined where nothing can be mounted. */
export function possibleMountPoint(path: string): string | undefined {
  try {
    return resolveMountPoint(path, readMountinfo());
  } catch (error) {
    if (error instanceof MountPointError) return undefined;
    throw error;
  }
}

/**
 * Makes a directory to mount on; one that is there already is taken only if it is empty. Call it only for a path
 * that is no mount point. Returns whether it was made now.
 */
export function makeMountPoint(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o750 });
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  if (!lstatSync(path).isDirectory()) throw new MountPointError('not-a-directory', `${path} is no directory`);
  if (readdirSync(path).length > 0) throw new MountPointError('not-empty', `${path} is not empty`);
  return false;
}

/**
 * Makes a file to mount a device on; one that is there already is taken only if it is empty. Call it only for a path
 * that is no mount point. Returns whether it was made now.
 */
export function makeMountFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  if (!isEmptyFile(path)) throw new MountPointError('not-an-empty-file', `${path} is no empty file`);
  return false;
}

/**
 * Removes a directory or a file that was mounted on; absent is fine. Never its content: what is in it was never part of
 * a volume, and nobody else would have a copy.
 */
export function removeMountPoint(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    if (hasCode(error, 'ENOTEMPTY')) throw new MountPointError('not-empty', `${path} is not empty`);
    if (!hasCode(error, 'ENOTDIR')) throw error;
    if (!isEmptyFile(path)) throw new MountPointError('not-a-directory', `${path} is no directory`);
    unlinkSync(path);
  }
}

function isEmptyFile(path: string): boolean {
  const stats = lstatSync(path);
  return stats.isFile() && stats.size === 0;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
