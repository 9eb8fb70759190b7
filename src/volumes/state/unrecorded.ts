import type { BigIntStats } from 'node:fs';
import { isErrno } from '../../errors/node-error.ts';
import type { Tree } from '../../pools/tree.ts';
import type { Place } from './beneath.ts';
import type { State } from './state.ts';

/**
 * Modes of a directory that is made and not yet recorded. Nobody gives a directory of his own such a mode, so that an
 * empty one is known as what a killed CreateVolume has left. The owner may read, for whoever comes after a restart has
 * to look whether it is empty, on exports with root_squash too. Those that are claimed (see path-claims.ts) have
 * another, so that a volume never takes over what one of the other kind is made of at the same moment.
 */
export const unrecordedMode = { plain: 0o412, claimed: 0o421 };

export function hasUnrecordedMode(stats: BigIntStats): boolean {
  return Object.values(unrecordedMode).some((mode) => hasMode(stats, mode));
}

/** Whether an empty, unrecorded directory is at the place. ENOENT where nothing is. */
export async function isUnrecorded(tree: Tree, place: Place, mode: number): Promise<boolean> {
  if (!hasMode(await tree.lstat(place.parent, place.name), mode)) return false;
  return (await tree.list(place.parent, place.name)).length === 0;
}

/** Removes what a CreateVolume that was killed and never repeated has left of a volume that nobody was told of. */
export async function removeUnrecorded(state: State, tree: Tree, key: string): Promise<void> {
  const place = { parent: state.root, name: key };
  try {
    if (await isUnrecorded(tree, place, unrecordedMode.plain)) await tree.rmdir(place.parent, place.name);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

function hasMode(stats: BigIntStats, mode: number): boolean {
  return stats.isDirectory() && Number(stats.mode & 0o7777n) === mode;
}
