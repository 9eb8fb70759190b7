import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Dir, Named, Tree } from '../../pools/tree.ts';
import { isBeingMade, linkImage, makeImage, removeAsides, sizeOfImage } from '../image/image-file.ts';
import { atPlace, notDirectory, type Place } from '../state/beneath.ts';
import { isBusy, isLasting } from '../state/lasting.ts';
import { claimPath, hasClaim, inUse, refuseOtherVolumes, releasePath } from '../state/path-claims.ts';
import { encodeRecord, type VolumeRecord } from '../state/record.ts';
import { createRecord, readRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { hasUnrecordedMode, unrecordedMode } from '../state/unrecorded-mode.ts';
import { imageName } from '../sub-dir.ts';
import { forgetPlaced, placeCopy, removePlaced } from './placed-copy.ts';
import { isUnrecorded, removeMade } from './unrecorded.ts';

/**
 * Makes a volume: its directory first, exclusively and with a mode that says so, then its record, exclusively too, then
 * its mode is set. An image is made in the directory before it is recorded. So where there is a record, the directory
 * was made for it. Killed in between, a retry goes on with the directory. Returns the record, that of an earlier call
 * included; the caller compares it with what is asked for now. Throws ALREADY_EXISTS where the directory was there
 * before. Where the record says what the volume is made from, `copy` is its content: complete, aside, and with a name
 * that nobody else knows.
 */
export async function createDirectory(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
  copy?: Named,
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
      return make(state, tree, { key, wanted, copy }, place);
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

/**
 * Completes a volume that is recorded, where its maker was killed. False where its content is missing, and has to be
 * copied anew.
 */
export async function completeDirectory(state: State, tree: Tree, record: VolumeRecord): Promise<boolean> {
  try {
    await atPlace(tree, record.subDir, { make: false }, (place) => finish(state, tree, place, record));
    return true;
  } catch (error) {
    if (isIncomplete(error)) return false;
    // Lost, as its health and the node that looks for it tell.
    if (isErrno(error, 'ENOENT')) return true;
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

/** A directory of which nobody was told yet, and its inode where it is a copy. */
interface Made {
  readonly place: Place;
  readonly placed: bigint | undefined;
}

interface ToMake {
  readonly key: string;
  readonly wanted: VolumeRecord;
  readonly copy: Named | undefined;
}

async function make(state: State, tree: Tree, volume: ToMake, place: Place): Promise<VolumeRecord> {
  const { key, wanted, copy } = volume;
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
      if (record.subDir === wanted.subDir) await finish(state, tree, place, record, copy);
      return record;
    }
    if (!unrecorded) {
      if (!(await removePlaced(state, tree, key, place))) throw exists(wanted.subDir);
      await tree.mkdir(place.parent, place.name, mode);
    }
  }
  const placed =
    copy !== undefined && wanted.image === undefined
      ? await placeCopy(state, tree, { key, subDir: wanted.subDir, copy, mode }, place)
      : undefined;
  const directory = await tree.openForAttributes(place.parent, place.name);
  try {
    const record = await recordIt(state, tree, volume, { place, directory, placed });
    if (record === wanted) await complete(state, tree, directory, record, copy);
    else if (record.subDir === wanted.subDir) await finish(state, tree, place, record, copy);
    else await removeAgain(state, tree, key, { place, placed });
    if (placed !== undefined) {
      await refuseMoved(tree, wanted.subDir, place, placed);
      await forgetPlaced(state, tree, key);
    }
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
  { key, wanted, copy }: ToMake,
  { place, directory, placed }: Made & { readonly directory: Dir },
): Promise<VolumeRecord> {
  try {
    // Again, now that others can see the directory: whoever made a volume above it meanwhile is found, or finds it.
    if (hasClaim(wanted.subDir, key)) {
      await refuseOtherVolumes(state, tree, wanted.subDir, key);
      await refuseMoved(tree, wanted.subDir, place);
    }
    if (wanted.uid !== undefined || wanted.gid !== undefined) await setOwner(tree, directory, wanted);
    await ensureImage(state, tree, directory, wanted, copy);
    await tree.sync(place.parent);
    if (await createRecord(state, tree, key, wanted)) return wanted;
    const record = await readRecord(state, tree, key);
    if (record === undefined) throw vanished(key);
    return record;
  } catch (error) {
    // Nobody was told of it, and left empty here it would keep others from the directories above.
    if (isLasting(error) || (isBusy(error) && !isBeingMade(error)))
      await removeAgain(state, tree, key, { place, placed });
    throw error;
  }
}

/** Removes a directory that is no volume's, if it is empty, or has but what was made for nothing. */
async function removeAgain(state: State, tree: Tree, key: string, { place, placed }: Made): Promise<void> {
  try {
    if (placed === undefined) await removeMade(tree, place);
    else await removePlaced(state, tree, key, place, placed);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** A directory above may have been moved into the trash, with this one in it, by a deletion that is over by now. */
async function refuseMoved(tree: Tree, subDir: string, place: Place, inode?: bigint): Promise<void> {
  const ino = inode ?? (await tree.lstat(place.parent, place.name)).ino;
  const there = await atPlace(tree, subDir, { make: false }, async ({ parent, name }) =>
    tree.lstat(parent, name),
  ).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (there?.ino !== ino) throw inUse(subDir);
}

/** Completes a directory whose maker was killed after it had left the record, or is about to. */
async function finish(
  state: State,
  tree: Tree,
  place: Place,
  record: VolumeRecord,
  copy?: Named,
): Promise<void> {
  const directory = await openUnrecorded(tree, place);
  if (directory === undefined) return;
  try {
    await complete(state, tree, directory, record, copy);
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
async function complete(
  state: State,
  tree: Tree,
  directory: Dir,
  record: VolumeRecord,
  copy?: Named,
): Promise<void> {
  const { image } = record;
  if (image !== undefined) await removeAsides(tree, directory, image.file);
  await ensureImage(state, tree, directory, record, copy);
  await tree.setMode(directory, record.mode);
  await tree.sync(directory);
  // Taken away just before that mode was there to be seen.
  const isGone =
    image !== undefined && (await sizeOfImage(tree, directory, image.file ?? imageName)) === undefined;
  if (isGone) await ensureImage(state, tree, directory, record, copy);
}

async function ensureImage(
  state: State,
  tree: Tree,
  directory: Dir,
  record: VolumeRecord,
  copy?: Named,
): Promise<void> {
  const { image, capacity: size, from } = record;
  if (image === undefined) return;
  const { file = imageName, thick = false } = image;
  const there = await sizeOfImage(tree, directory, file);
  if (from === undefined) {
    if (there !== size) await makeImage(state, tree, directory, { size, thick });
    return;
  }
  if (there !== undefined) return;
  if (copy === undefined) throw lostCopy(record.name);
  await linkImage(tree, copy.dir, copy.name, directory, file);
  await tree.sync(directory);
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

/** Never seen by a caller that brings a copy. */
function lostCopy(name: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-incomplete',
    `The making of the volume ${name} was cut off before its image was in place; repeat the call.`,
  );
}

/** Whether a failure is that a volume's content has to be copied anew. */
function isIncomplete(error: unknown): boolean {
  return error instanceof CsiError && error.reason === 'volume-incomplete';
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
