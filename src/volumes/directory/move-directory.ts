import { isErrno } from '../../errors/errno.ts';
import type { Dir, Tree } from '../../pools/tree.ts';
import { temporaryName } from '../state/records.ts';

/** A name in an open directory. */
interface Spot {
  readonly parent: Dir;
  readonly name: string;
}

/** Renames a directory into another one. Where something by that name is there already, both are kept. */
export async function moveOrMakeMovable(tree: Tree, spot: Spot, to: Dir, name: string): Promise<void> {
  try {
    await tree.rename(spot.parent, spot.name, to, name);
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) {
      await tree.rename(spot.parent, spot.name, to, `${name}.${temporaryName()}`);
    } else if (isErrno(error, 'EACCES')) {
      // With root_squash: a directory that is to get another parent must be writable for its owner (rename(2)).
      await makeWritable(tree, spot);
      await tree.rename(spot.parent, spot.name, to, name);
    } else {
      throw error;
    }
  }
}

async function makeWritable(tree: Tree, { parent, name }: Spot): Promise<void> {
  const directory = await tree.openForAttributes(parent, name);
  try {
    await tree.setMode(directory, 0o700);
  } finally {
    tree.close(directory);
  }
}
