import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Tree } from '../pools/tree.ts';
import { atPlace, notDirectory, type Place } from './beneath.ts';
import { claimPath, refuseInsideOther, releasePath } from './path-claims.ts';
import type { VolumeRecord } from './record.ts';
import { createRecord, finishRecord, readRecord, removeRecord } from './records.ts';
import type { State } from './state.ts';

/**
 * Makes a directory volume: its record first, exclusively and marked as unfinished, then its directory, exclusively
 * too, then the mark goes. Killed in between, a retry finds the record and goes on. Returns the record, that of an
 * earlier try included; the caller compares it with what is asked for now. Throws ALREADY_EXISTS where the directory
 * was there before.
 */
export async function createDirectory(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
): Promise<VolumeRecord> {
  const begun = { ...wanted, ready: false };
  const fresh = await createRecord(state, tree, key, begun);
  const record = fresh ? begun : await readRecord(state, tree, key);
  if (record === undefined) throw vanished(key);
  // A record of another directory is not this request's to finish; the caller refuses it.
  if (record.ready || record.subDir !== wanted.subDir) return record;
  try {
    await claimPath(state, tree, record.subDir, key);
    await atPlace(tree, record.subDir, { make: true }, (place) => make(state, tree, key, record, place));
  } catch (error) {
    if (error instanceof CsiError && refusals.has(error.reason)) await forget(state, tree, key, record);
    throw error;
  }
  const finished = await finishRecord(state, tree, key, record);
  await tree.sync(state.volumes);
  return finished;
}

/** Removes what a refused request has put down, unless another controller has made the volume meanwhile. */
async function forget(state: State, tree: Tree, key: string, record: VolumeRecord): Promise<void> {
  const current = await readRecord(state, tree, key);
  if (current?.id !== record.id || current.ready) return;
  await releasePath(state, tree, record.subDir, key);
  await removeRecord(state, tree, key);
}

/**
 * Removes a volume that was never finished. Its directory goes only if it is empty: nobody was told of the volume, so
 * whatever is in a directory of that name is somebody else's.
 */
export async function discardUnfinished(
  state: State,
  tree: Tree,
  key: string,
  record: VolumeRecord,
): Promise<void> {
  try {
    await atPlace(tree, record.subDir, { make: false }, async (place) => {
      if (await isOwn(state, tree, key, place)) await tree.rmdir(place.parent, place.name);
    });
  } catch (error) {
    const left = isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR') || error instanceof CsiError;
    if (!left) throw error;
  }
  await releasePath(state, tree, record.subDir, key);
  await removeRecord(state, tree, key);
}

/** Whether a volume's directory is there. FAILED_PRECONDITION where its path leads through a link. */
export async function directoryExists(tree: Tree, subDir: string): Promise<boolean> {
  try {
    return await atPlace(tree, subDir, { make: false }, async (place) => {
      if ((await tree.lstat(place.parent, place.name)).isDirectory()) return true;
      throw notDirectory(subDir, place.name);
    });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Refusals after which nothing may be left of a volume that was new. */
const refusals = new Set([
  'directory-exists',
  'volumes-overlap',
  'path-not-directory',
  'owner-refused',
  'name-too-long',
]);

async function make(
  state: State,
  tree: Tree,
  key: string,
  record: VolumeRecord,
  place: Place,
): Promise<void> {
  let adopted = false;
  try {
    await tree.mkdir(place.parent, place.name, record.mode & 0o1777);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const own = await isOwn(state, tree, key, place);
    // Looked at last: who has written into the directory meanwhile was told of the volume before.
    if ((await readRecord(state, tree, key))?.ready) return;
    if (!own) throw exists(record.subDir);
    adopted = true;
  }
  try {
    await refuseInsideOther(state, tree, record.subDir);
    await setAttributes(tree, place, record, adopted);
  } catch (error) {
    // Refused for good: the directory, still empty, goes again.
    if (error instanceof CsiError) await tree.rmdir(place.parent, place.name);
    throw error;
  }
  await tree.sync(place.parent);
}

/**
 * Whether a directory that is there already can be that of an unfinished volume: made after its record, by the clock
 * of one server, and empty, since nobody was told of the volume yet.
 */
async function isOwn(state: State, tree: Tree, key: string, place: Place): Promise<boolean> {
  const directory = await tree.lstat(place.parent, place.name);
  const link = await tree.lstat(state.volumes, key);
  if (!directory.isDirectory() || directory.ctimeNs < link.ctimeNs) return false;
  return (await tree.list(place.parent, place.name)).length === 0;
}

async function setAttributes(
  tree: Tree,
  place: Place,
  record: VolumeRecord,
  adopted: boolean,
): Promise<void> {
  // mkdir takes no setuid and setgid bits (mkdir(2)), and an adopted directory may have been made as a parent.
  const special = adopted || (record.mode & 0o6000) !== 0;
  if (!special && record.uid === undefined && record.gid === undefined) return;
  const directory = await tree.openDir(place.parent, place.name);
  try {
    await tree.setOwner(directory, {
      ...(special ? { mode: record.mode } : {}),
      ...(record.uid === undefined ? {} : { uid: record.uid }),
      ...(record.gid === undefined ? {} : { gid: record.gid }),
    });
  } catch (error) {
    if (isErrno(error, 'EPERM', 'EACCES')) throw squashed(record, error);
    throw error;
  } finally {
    tree.closeDir(directory);
  }
}

function exists(subDir: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'directory-exists',
    `The directory ${subDir} is on the pool already, and a new volume never takes over one that was there: remove or rename it, choose another subDir, or use it as a static volume (docs/parameters.md).`,
  );
}

function vanished(key: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being deleted at the same time; repeat the call.`,
  );
}

function squashed(record: VolumeRecord, cause: unknown): CsiError {
  return new CsiError(
    status.INVALID_ARGUMENT,
    'owner-refused',
    `The owner or mode of the directory ${record.subDir} cannot be set: the server does not let root do it (root_squash); leave out uid, gid and special mode bits, or export with no_root_squash.`,
    { cause },
  );
}
