import { isErrno } from '../../errors/errno.ts';
import type { Dir, Tree } from '../../pools/tree.ts';
import { stateDirName } from '../sub-dir.ts';

/** The folders of `.berth` on a pool, held open. What each holds is said where it is used. */
export interface State {
  readonly root: Dir;
  readonly volumes: Dir;
  readonly paths: Dir;
  readonly nodes: Dir;
  readonly trash: Dir;
  readonly archive: Dir;
  readonly copies: Dir;
  readonly snapshots: Dir;
  readonly groups: Dir;
  readonly shares: Dir;
}

/** Of all that Berth keeps for itself on a pool. */
export const stateDirMode = 0o700;

/**
 * Opens `.berth`. With `make`, what is missing of it is made; without, a pool that lacks any of it gives undefined.
 * Only root may enter: it holds what decides over volumes.
 */
export async function openState(
  tree: Tree,
  { make }: { readonly make: boolean },
): Promise<State | undefined> {
  try {
    const base = await openFolder(tree, tree.root, stateDirName, make);
    const folder = (name: string) => openFolder(tree, base, name, make);
    const state = {
      root: tree.root,
      volumes: await folder('volumes'),
      paths: await folder('paths'),
      nodes: await folder('nodes'),
      trash: await folder('trash'),
      archive: await folder('archive'),
      copies: await folder('copies'),
      snapshots: await folder('snapshots'),
      groups: await folder('groups'),
      shares: await folder('shares'),
    };
    if (make) await tree.sync(tree.root, base);
    return state;
  } catch (error) {
    if (!make && isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function openFolder(tree: Tree, parent: Dir, name: string, make: boolean): Promise<Dir> {
  try {
    return await tree.openDir(parent, name);
  } catch (error) {
    if (!make || !isErrno(error, 'ENOENT')) throw error;
  }
  try {
    await tree.mkdir(parent, name, stateDirMode);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  return tree.openDir(parent, name);
}

/** Whether the open folders still have a place in their tree: a directory that was removed has no links. */
export async function isIntact(state: State, tree: Tree): Promise<boolean> {
  const stats = await Promise.all(Object.values(state).map((folder: Dir) => tree.lstat(folder, '.')));
  return stats.every(({ nlink }) => nlink > 0n);
}
