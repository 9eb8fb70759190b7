import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Tree } from '../pools/tree.ts';
import { atPlace, notDirectory, type Place } from './beneath.ts';
import { claimPath, refuseInsideOther, releasePath } from './path-claims.ts';
import type { VolumeRecord } from './record.ts';
import { createRecord, readRecord, removeRecord } from './records.ts';
import type { State } from './state.ts';

/**
 * Makes a directory volume: its record first, exclusively, then its directory, exclusively too. Killed in
 * between, a retry finds the record and goes on. Returns the record, that of an earlier try included; the
 * caller compares it with what is asked for now. Throws ALREADY_EXISTS where the directory was there before.
 */
export async function createDirectory(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
): Promise<VolumeRecord> {
  const fresh = await createRecord(state, tree, key, wanted);
  const record = fresh ? wanted : await readRecord(state, tree, key);
  if (record === undefined) throw vanished(key);
  // A record of another directory is not this request's to finish; the caller refuses it.
  if (record.subDir !== wanted.subDir) return record;
  try {
    await claimPath(state, tree, record.subDir, key);
    await atPlace(tree, record.subDir, { make: true }, (place) =>
      make(state, tree, key, record, place, fresh),
    );
    await tree.sync(state.volumes);
  } catch (error) {
    if (fresh && error instanceof CsiError && refusals.has(error.reason)) {
      await releasePath(state, tree, record.subDir, key);
      await removeRecord(state, tree, key);
    }
    throw error;
  }
  return record;
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
  fresh: boolean,
): Promise<void> {
  try {
    await tree.mkdir(place.parent, place.name, record.mode & 0o1777);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    if (fresh) throw exists(record.subDir);
    if (!(await isUnfinished(state, tree, key, record, place))) return;
  }
  try {
    await refuseInsideOther(state, tree, record.subDir);
    await setAttributes(tree, place, record);
  } catch (error) {
    // Refused for good: the directory, still empty, goes again.
    if (fresh && error instanceof CsiError) await tree.rmdir(place.parent, place.name);
    throw error;
  }
  await tree.sync(place.parent);
}

/**
 * Looks at a directory that was there when a retry came: true where an earlier try may have been killed before
 * it had set its attributes. One that is older than the volume's record was there before it, and is refused.
 */
async function isUnfinished(
  state: State,
  tree: Tree,
  key: string,
  record: VolumeRecord,
  place: Place,
): Promise<boolean> {
  const [directory, link] = await Promise.all([
    tree.lstat(place.parent, place.name),
    tree.lstat(state.volumes, key),
  ]);
  if (!directory.isDirectory()) throw notDirectory(record.subDir, place.name);
  // The time of the last change of each, by the clock of one server. A changed record is newer than the
  // directory; but to be changed the volume must have been finished.
  if (record.revision === 0 && directory.ctimeNs < link.ctimeNs) throw exists(record.subDir);
  return record.revision === 0 && (await tree.list(place.parent, place.name)).length === 0;
}

async function setAttributes(tree: Tree, place: Place, record: VolumeRecord): Promise<void> {
  const special = (record.mode & 0o6000) !== 0;
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
    await tree.closeDir(directory);
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
