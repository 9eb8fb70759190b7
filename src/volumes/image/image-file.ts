import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import { CannotAllocateError } from '../../host/allocate.ts';
import type { Dir, Held, Tree } from '../../pools/tree.ts';
import { atPlace } from '../state/beneath.ts';
import { temporaryName } from '../state/records.ts';
import { settledMs } from '../state/settled.ts';
import type { State } from '../state/state.ts';
import { hasUnrecordedMode } from '../state/unrecorded-mode.ts';
import { imageName, isCopyName, newCopyName } from '../sub-dir.ts';

export interface ImageShape {
  /** In bytes. */
  readonly size: bigint;
  /** Whether its space is taken from the pool at once. */
  readonly thick: boolean;
}

/**
 * Makes the image of a volume of which nobody was told yet: aside, and linked to its place once it is complete, so that
 * what is there has its size. One of that size is there already after a call that was cut off. Throws ABORTED where one
 * of another size is being made at the same time, or somebody was told of the volume meanwhile.
 */
export async function makeImage(state: State, tree: Tree, directory: Dir, shape: ImageShape): Promise<void> {
  const aside = temporaryName();
  const file = await tree.makeFile(state.trash, aside, 0o600);
  try {
    await tree.setSize(file, shape.size);
    if (shape.thick) await reserve(tree, file, shape.size);
    await tree.sync(file);
    while (!(await linkImage(tree, state.trash, aside, directory))) {
      if ((await sizeIn(tree, directory)) === shape.size) break;
      await removeSettled(tree, directory);
    }
    await tree.sync(directory);
  } finally {
    tree.close(file);
    await tree.unlink(state.trash, aside);
  }
}

/** Gives a file the image's place; false where there is one already. */
export async function linkImage(
  tree: Tree,
  from: Dir,
  name: string,
  directory: Dir,
  newName = imageName,
): Promise<boolean> {
  try {
    await tree.link(from, name, directory, newName);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function sizeIn(tree: Tree, directory: Dir): Promise<bigint | undefined> {
  try {
    return (await tree.lstat(directory, imageName)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Removes what a call left that was cut off long ago; another one may be at work on what is younger. */
async function removeSettled(tree: Tree, directory: Dir): Promise<void> {
  try {
    const { ctimeMs } = await tree.lstat(directory, imageName);
    if (Date.now() - Number(ctimeMs) < settledMs) throw beingMade();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  if (!(await removeUntold(tree, directory))) throw beingMade();
}

/**
 * Removes an image if nobody was told of its volume; false where somebody was. The call may be late by hours, behind a
 * dead server, and the file a volume's by then, or one that was retained: so it gets a name that no other call knows,
 * and goes only if the directory has still the mode that a volume loses before anybody is told of it.
 */
export async function removeUntold(tree: Tree, directory: Dir): Promise<boolean> {
  if (await isTold(tree, directory)) return false;
  const aside = newCopyName();
  try {
    await tree.rename(directory, imageName, directory, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    throw error;
  }
  // The rename made an NFS client ask for the mode anew. In doubt it is somebody's.
  const told = await isTold(tree, directory).catch(() => true);
  // Where another has taken its place meanwhile, both stay: nothing says which of them is needed.
  const isNeeded = told && !(await linkImage(tree, directory, aside, directory));
  if (!isNeeded) await tree.unlink(directory, aside);
  return !told;
}

/** Removes what a removal that was killed has left in a directory of which nobody was told; not the image itself. */
export async function removeAsides(tree: Tree, directory: Dir, except?: string): Promise<void> {
  const asides = (await tree.list(directory, '.')).filter((name) => isCopyName(name) && name !== except);
  // Looked at after the names: what a volume has under such a name, it has only once somebody was told of it.
  if (asides.length === 0 || (await isTold(tree, directory))) return;
  for (const aside of asides) await ignoring(tree.unlink(directory, aside), 'ENOENT');
}

async function isTold(tree: Tree, directory: Dir): Promise<boolean> {
  return !hasUnrecordedMode(await tree.lstat(directory, '.'));
}

/**
 * The size of an image in a directory; undefined where it is missing. Opened, since an NFS client may remember one that
 * is gone.
 */
export async function sizeOfImage(tree: Tree, directory: Dir, name: string): Promise<bigint | undefined> {
  try {
    const file = await tree.openFile(directory, name);
    try {
      return (await tree.stat(file)).size;
    } finally {
      tree.close(file);
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The size of an image in bytes; undefined where it is missing. FAILED_PRECONDITION where it is no file. */
export async function imageSizeAt(tree: Tree, image: string): Promise<bigint | undefined> {
  try {
    return await atPlace(tree, image, { make: false }, async ({ parent, name }) => {
      const stats = await tree.lstat(parent, name);
      if (stats.isFile()) return stats.size;
      throw notAFile(image);
    });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Makes an image larger; one that is as large already stays as it is. ENOENT where it is missing. */
export async function growImage(tree: Tree, image: string, { size, thick }: ImageShape): Promise<void> {
  await atPlace(tree, image, { make: false }, async ({ parent, name }) => {
    const file = await tree.openFile(parent, name);
    try {
      await grow(tree, file, { size, thick });
    } finally {
      tree.close(file);
    }
  });
}

/** The same, of an image that is open. */
export async function grow(tree: Tree, file: Held, { size, thick }: ImageShape): Promise<void> {
  if (thick) await reserve(tree, file, size);
  else if ((await tree.stat(file)).size < size) await extend(tree, file, size);
  await tree.sync(file);
}

/**
 * By its last byte, which may be there by then with something in it: to set the size would make an image smaller that
 * another call has grown further meanwhile. NFS before 4.2, and ZFS, know no other way.
 */
async function extend(tree: Tree, file: Held, size: bigint): Promise<void> {
  try {
    await tree.allocate(file, { offset: size - 1n, length: 1n });
  } catch (error) {
    if (!(error instanceof CannotAllocateError)) throw error;
    await tree.setSize(file, size);
  }
}

async function reserve(tree: Tree, file: Held, size: bigint): Promise<void> {
  try {
    await tree.allocate(file, { offset: 0n, length: size });
  } catch (error) {
    if (!(error instanceof CannotAllocateError)) throw error;
    throw new CsiError(
      status.INVALID_ARGUMENT,
      'allocation-unsupported',
      'The space of the image cannot be reserved: the pool can only do that on NFSv4.2, and on a file system of the server that does it (ZFS does not); leave out the parameter "allocation", or set it to "thin".',
      { cause: error },
    );
  }
}

/** Whether another request is making the image at this moment, with another size. */
export function isBeingMade(error: unknown): boolean {
  return error instanceof CsiError && error.reason === 'image-being-made';
}

function beingMade(): CsiError {
  return new CsiError(
    status.ABORTED,
    'image-being-made',
    'The image of the volume is being made with another size by another request at the same time; repeat the call.',
  );
}

function notAFile(image: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'image-no-file',
    `The image ${image} cannot be used: it is no plain file; name the real one.`,
  );
}
