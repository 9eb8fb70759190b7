import type { BigIntStats } from 'node:fs';
import { isErrno } from '../../errors/node-error.ts';
import type { Tree } from '../../pools/tree.ts';
import { imageName } from '../sub-dir.ts';
import type { Place } from './beneath.ts';
import type { State } from './state.ts';

/**
 * Modes of a directory that is made and not yet recorded. Nobody gives a directory of his own such a mode, so that one
 * with nothing in it, or an image alone, is known as what a killed CreateVolume has left. The owner may do all with it,
 * for whoever comes after a restart has to look into it, on exports with root_squash too. Those that are claimed (see path-claims.ts) have
 * another, so that a volume never takes over what one of the other kind is made of at the same moment.
 */
export const unrecordedMode = { plain: 0o712, claimed: 0o721 };

export function hasUnrecordedMode(stats: BigIntStats): boolean {
  return Object.values(unrecordedMode).some((mode) => hasMode(stats, mode));
}

/** Whether an unrecorded directory is at the place, without anything of others in it. ENOENT where nothing is. */
export async function isUnrecorded(tree: Tree, place: Place, mode: number): Promise<boolean> {
  if (!hasMode(await tree.lstat(place.parent, place.name), mode)) return false;
  return (await tree.list(place.parent, place.name)).every((name) => name === imageName);
}

/** Removes what a CreateVolume that was killed and never repeated has left of a volume that nobody was told of. */
export async function removeUnrecorded(state: State, tree: Tree, key: string): Promise<void> {
  const place = { parent: state.root, name: key };
  try {
    if (await isUnrecorded(tree, place, unrecordedMode.plain)) await removeMade(tree, place);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Removes a directory that no record names, and the image in it that nobody can have used. */
export async function removeMade(tree: Tree, { parent, name }: Place): Promise<void> {
  const directory = await tree.openForAttributes(parent, name);
  try {
    await tree.unlink(directory, imageName);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  } finally {
    tree.close(directory);
  }
  await tree.rmdir(parent, name);
}

function hasMode(stats: BigIntStats, mode: number): boolean {
  return stats.isDirectory() && Number(stats.mode & 0o7777n) === mode;
}
