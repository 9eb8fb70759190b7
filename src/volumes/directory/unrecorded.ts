import { ignoring, isErrno } from '../../errors/node-error.ts';
import type { Tree } from '../../pools/tree.ts';
import { removeUnused } from '../image/image-file.ts';
import type { Place } from '../state/beneath.ts';
import { readRecordAnew } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { hasMode, unrecordedMode } from '../state/unrecorded-mode.ts';
import { isCopyName, isImageName } from '../sub-dir.ts';

/** Whether an unrecorded directory is at the place, without anything of others in it. ENOENT where nothing is. */
export async function isUnrecorded(tree: Tree, place: Place, mode: number): Promise<boolean> {
  if (!hasMode(await tree.lstat(place.parent, place.name), mode)) return false;
  return (await tree.list(place.parent, place.name)).every(isImageName);
}

/** Removes what a CreateVolume that was killed and never repeated has left of a volume that nobody was told of. */
export async function removeUnrecorded(state: State, tree: Tree, key: string): Promise<void> {
  const place = { parent: state.root, name: key };
  const isUsed = async () => (await readRecordAnew(state, tree, key)) !== undefined;
  try {
    if (await isUnrecorded(tree, place, unrecordedMode.plain)) await removeMade(tree, place, isUsed);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/**
 * Removes a directory that no record names, and the image in it that nobody can have used. ENOTEMPTY where one
 * `isUsed`.
 */
export async function removeMade(
  tree: Tree,
  { parent, name }: Place,
  isUsed: () => Promise<boolean>,
): Promise<void> {
  const directory = await tree.openForAttributes(parent, name);
  try {
    // Left by a removal that was killed. Looked for first: what a volume has under such a name is made later.
    const asides = (await tree.list(directory, '.')).filter(isCopyName);
    if (!(await removeUnused(tree, directory, isUsed))) return;
    for (const aside of asides) await ignoring(tree.unlink(directory, aside), 'ENOENT');
  } finally {
    tree.close(directory);
  }
  await tree.rmdir(parent, name);
}
