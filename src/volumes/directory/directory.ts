import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/node-error.ts';
import type { Dir, Tree } from '../../pools/tree.ts';
import { isBeingMade, makeImage, newImageSize, removeAsides } from '../image/image-file.ts';
import { atPlace, notDirectory, type Place } from '../state/beneath.ts';
import { isBusy, isLasting } from '../state/lasting.ts';
import { claimPath, hasClaim, inUse, refuseOtherVolumes, releasePath } from '../state/path-claims.ts';
import { encodeRecord, type VolumeRecord } from '../state/record.ts';
import { createRecord, readRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { hasUnrecordedMode, unrecordedMode } from '../state/unrecorded-mode.ts';
import { isUnrecorded, removeMade } from './unrecorded.ts';

/**
 * Makes a volume: its directory first, exclusively and with a mode that says so, then its record, exclusively too, then
 * its mode is set. An image is made in the directory before it is recorded. So where there is a record, the directory
 * was made for it. Killed in between, a retry goes on with the directory. Returns the record, that of an earlier call
 * included; the caller compares it with what is asked for now. Throws ALREADY_EXISTS where the directory was there
 * before.
 */
export async function createDirectory(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
): Promise<VolumeRecord> {
  // Throws where it cannot be recorded, before anything is made.
  encodeRecord(wanted);
  const { subDir } = wanted;
  if (hasClaim(subDir, key)) {
    await refuseOtherVolumes(state, tree, subDir, key);
    await claimPath(state, tree, subDir, key);
  }
  try {
    const record = await atPlace(tree, subDir, { make: true }, async (place) => {
      if (hasClaim(subDir, key)) await refuseOtherFilesystem(tree, place, subDir);
      return make(state, tree, key, wanted, place);
    });
    if (record.subDir !== subDir) await releasePath(state, tree, subDir, key);
    return record;
  } catch (error) {
    if (isLasting(error) && (await readRecord(state, tree, key))?.subDir !== subDir) {
      await releasePath(state, tree, subDir, key);
    }
    throw error;
  }
}

/** Whether a volume's directory is there. FAILED_PRECONDITION where its path leads through a link. */
export async function directoryExists(tree: Tree, subDir: string): Promise<boolean> {
  try {
    return await atPlace(tree, subDir, { make: false }, async (place) => {
      const stats = await tree.lstat(place.parent, place.name);
      if (stats.isDirectory()) return !hasUnrecordedMode(stats);
      throw notDirectory(subDir, place.name);
    });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function make(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
  place: Place,
): Promise<VolumeRecord> {
  const mode = hasClaim(wanted.subDir, key) ? unrecordedMode.claimed : unrecordedMode.plain;
  try {
    await tree.mkdir(place.parent, place.name, mode);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const unrecorded = await isUnrecorded(tree, place, mode);
    // Read after the look at the directory: it loses that mode only once there is a record, which another
    // controller may leave at this very moment.
    const record = await readRecord(state, tree, key);
    if (record !== undefined) {
      if (record.subDir === wanted.subDir) await finish(state, tree, place, record);
      return record;
    }
    if (!unrecorded) throw exists(wanted.subDir);
  }
  const directory = await tree.openForAttributes(place.parent, place.name);
  try {
    const record = await recordIt(state, tree, key, wanted, { place, directory });
    if (record === wanted) await complete(state, tree, directory, record);
    else if (record.subDir === wanted.subDir) await finish(state, tree, place, record);
    else await removeAgain(tree, place);
    return record;
  } finally {
    tree.close(directory);
  }
}

/** A directory there could not be renamed into the trash or the archive (rename(2), EXDEV). */
async function refuseOtherFilesystem(tree: Tree, { parent }: Place, subDir: string): Promise<void> {
  const [above, root] = await Promise.all([tree.lstat(parent, '.'), tree.lstat(tree.root, '.')]);
  if (above.dev === root.dev) return;
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'other-filesystem',
    `The directory ${subDir} would be on another filesystem, which is mounted inside the pool; choose another subDir, or give that filesystem a pool of its own.`,
  );
}

/** Makes an empty, unrecorded directory a volume, or takes it away again. */
async function recordIt(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
  { place, directory }: { place: Place; directory: Dir },
): Promise<VolumeRecord> {
  try {
    // Again, now that others can see the directory: whoever made a volume above it meanwhile is found, or finds it.
    if (hasClaim(wanted.subDir, key)) {
      await refuseOtherVolumes(state, tree, wanted.subDir, key);
      await refuseMoved(tree, wanted.subDir, place);
    }
    if (wanted.uid !== undefined || wanted.gid !== undefined) await setOwner(tree, directory, wanted);
    await ensureImage(state, tree, directory, wanted);
    await tree.sync(place.parent);
    if (await createRecord(state, tree, key, wanted)) return wanted;
    const record = await readRecord(state, tree, key);
    if (record === undefined) throw vanished(key);
    return record;
  } catch (error) {
    // Nobody was told of it, and left empty here it would keep others from the directories above.
    if (isLasting(error) || (isBusy(error) && !isBeingMade(error))) await removeAgain(tree, place);
    throw error;
  }
}

/** Removes a directory that is no volume's, if it is empty, or has but an image that was made for nothing. */
async function removeAgain(tree: Tree, place: Place): Promise<void> {
  try {
    await removeMade(tree, place);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** A directory above may have been moved into the trash, with this one in it, by a deletion that is over by now. */
async function refuseMoved(tree: Tree, subDir: string, place: Place): Promise<void> {
  const { ino } = await tree.lstat(place.parent, place.name);
  const there = await atPlace(tree, subDir, { make: false }, async ({ parent, name }) =>
    tree.lstat(parent, name),
  ).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (there?.ino !== ino) throw inUse(subDir);
}

/** Completes a directory whose maker was killed after it had left the record, or is about to. */
async function finish(state: State, tree: Tree, place: Place, record: VolumeRecord): Promise<void> {
  const directory = await openUnrecorded(tree, place);
  if (directory === undefined) return;
  try {
    await complete(state, tree, directory, record);
  } finally {
    tree.close(directory);
  }
}

/** Undefined where it is complete, or lost, as its health and the node that looks for it tell. */
async function openUnrecorded(tree: Tree, { parent, name }: Place): Promise<Dir | undefined> {
  try {
    if (!hasUnrecordedMode(await tree.lstat(parent, name))) return undefined;
    return await tree.openForAttributes(parent, name);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

/** The directory loses its mode last: until then nobody was told of the volume, and who is late may take its image away. */
async function complete(state: State, tree: Tree, directory: Dir, record: VolumeRecord): Promise<void> {
  if (record.image !== undefined) await removeAsides(tree, directory);
  await ensureImage(state, tree, directory, record);
  await tree.setMode(directory, record.mode);
  await tree.sync(directory);
  // Taken away just before that mode was there to be seen.
  const isGone = record.image !== undefined && (await newImageSize(tree, directory)) === undefined;
  if (isGone) await ensureImage(state, tree, directory, record);
}

async function ensureImage(state: State, tree: Tree, directory: Dir, record: VolumeRecord): Promise<void> {
  const { image, capacity: size } = record;
  if (image === undefined || (await newImageSize(tree, directory)) === size) return;
  await makeImage(state, tree, directory, { size, thick: image.thick === true });
}

async function setOwner(tree: Tree, directory: Dir, record: VolumeRecord): Promise<void> {
  try {
    await tree.setOwner(directory, record.uid, record.gid);
  } catch (error) {
    if (isErrno(error, 'EPERM', 'EACCES')) throw squashed(record, error);
    throw error;
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
    `The owner of the directory ${record.subDir} cannot be set: the server does not let root do it (root_squash); leave out uid and gid, or export with no_root_squash.`,
    { cause },
  );
}
