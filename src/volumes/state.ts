import { isErrno } from '../errors/node-error.ts';
import type { Dir, Tree } from '../pools/tree.ts';
import { stateDirName } from './sub-dir.ts';

/** The folders of `.berth` on a pool, held open. What each holds is said where it is used. */
export interface State {
  readonly root: Dir;
  readonly volumes: Dir;
  readonly paths: Dir;
  readonly attachments: Dir;
  readonly nodes: Dir;
  readonly trash: Dir;
  readonly archive: Dir;
}

/** Makes what is missing of `.berth` and opens it. Only root may enter: it holds what decides over volumes. */
export async function openState(tree: Tree): Promise<State> {
  const base = await openOrMake(tree, tree.root, stateDirName);
  const folder = (name: string) => openOrMake(tree, base, name);
  const state = {
    root: tree.root,
    volumes: await folder('volumes'),
    paths: await folder('paths'),
    attachments: await folder('attachments'),
    nodes: await folder('nodes'),
    trash: await folder('trash'),
    archive: await folder('archive'),
  };
  await tree.sync(tree.root, base);
  return state;
}

async function openOrMake(tree: Tree, parent: Dir, name: string): Promise<Dir> {
  try {
    return await tree.openDir(parent, name);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  try {
    await tree.mkdir(parent, name, 0o700);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  return tree.openDir(parent, name);
}
