import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { removeAsides, removeUntold } from '../image/image-file.ts';
import type { Place } from '../state/beneath.ts';
import type { State } from '../state/state.ts';
import { hasMode, unrecordedMode } from '../state/unrecorded-mode.ts';
import { isImageName } from '../sub-dir.ts';
import { removePlaced } from './placed-copy.ts';

/** Whether an unrecorded directory is at the place, without anything of others in it. ENOENT where nothing is. */
export async function isUnrecorded(tree: Tree, place: Place, mode: number): Promise<boolean> {
  if (!hasMode(await tree.lstat(place.parent, place.name), mode)) return false;
  return (await tree.list(place.parent, place.name)).every(isImageName);
}

/** Removes what a CreateVolume that was killed and never repeated has left of a volume that nobody was told of. */
export async function removeUnrecorded(state: State, tree: Tree, key: string): Promise<void> {
  const place = { parent: state.root, name: key };
  try {
    if (await isUnrecorded(tree, place, unrecordedMode.plain)) await removeMade(tree, place);
    else await removePlaced(state, tree, key, place);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Removes a directory of which nobody was told, if it is empty or has but an image; nothing where somebody was. */
export async function removeMade(tree: Tree, { parent, name }: Place): Promise<void> {
  const directory = await tree.openForAttributes(parent, name);
  try {
    if (!(await removeUntold(tree, directory))) return;
    await removeAsides(tree, directory);
  } finally {
    tree.close(directory);
  }
  await tree.rmdir(parent, name);
}
