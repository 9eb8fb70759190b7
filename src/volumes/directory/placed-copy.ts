import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Named, Tree } from '../../pools/tree.ts';
import { atPlace, type Place } from '../state/beneath.ts';
import type { State } from '../state/state.ts';
import { hasUnrecordedMode } from '../state/unrecorded-mode.ts';
import { subDirProblem } from '../sub-dir.ts';

/**
 * A copied directory that is put to a volume's place has data in it before a record names it. A call that is killed
 * there leaves one that looks like somebody's; so its inode and its path are noted first, in `.berth/copies/=<key>`. By
 * that, and by the mode that it has until it is recorded, it is known as nobody's.
 */
const noteMark = '=';

/** The key of the volume that a note is for; undefined for other names. */
export function notedKey(name: string): string | undefined {
  return name.startsWith(noteMark) ? name.slice(noteMark.length) : undefined;
}

export interface CopyToPlace {
  readonly key: string;
  readonly subDir: string;
  readonly copy: Named;
  /** Of the directory, which is made already, and empty; until it is recorded. */
  readonly mode: number;
}

/** Puts a copy to the place of a directory that was made for it, and gives its inode. */
export async function placeCopy(
  state: State,
  tree: Tree,
  { key, subDir, copy, mode }: CopyToPlace,
  { parent, name }: Place,
): Promise<bigint> {
  const root = await tree.openForAttributes(copy.dir, copy.name);
  try {
    await tree.setMode(root, mode);
    await tree.sync(root);
  } finally {
    tree.close(root);
  }
  const { ino } = await tree.lstat(copy.dir, copy.name);
  await forgetPlaced(state, tree, key);
  await tree.symlink(state.copies, noteMark + key, `${ino} ${subDir}`);
  await tree.sync(state.copies);
  await tree.rename(copy.dir, copy.name, parent, name);
  await tree.sync(parent, copy.dir);
  return ino;
}

/** Once the directory is recorded, or has gone. */
export async function forgetPlaced(state: State, tree: Tree, key: string): Promise<void> {
  await ignoring(tree.unlink(state.copies, noteMark + key), 'ENOENT');
}

/**
 * Moves such a directory away, to be removed in the background. False where there is none, or the place has another one,
 * or somebody was told of its volume. `only`: its inode, for whoever knows which it has to be.
 */
export async function removePlaced(
  state: State,
  tree: Tree,
  key: string,
  { parent, name }: Place,
  only?: bigint,
): Promise<boolean> {
  const inode = (await readNote(state, tree, key))?.inode;
  if (inode === undefined || (only !== undefined && only !== inode)) return false;
  try {
    const stats = await tree.lstat(parent, name);
    if (stats.ino !== inode || !hasUnrecordedMode(stats)) return false;
    await tree.rename(parent, name, state.trash, `placed-${key}.${process.hrtime.bigint().toString(36)}`);
    await tree.sync(parent, state.trash);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
  await forgetPlaced(state, tree, key);
  return true;
}

/** The same, at the place that is noted; the note goes in any case. */
export async function removeNoted(
  state: State,
  tree: Tree,
  key: string,
  { isRecorded }: { readonly isRecorded: boolean },
): Promise<void> {
  const subDir = isRecorded ? undefined : (await readNote(state, tree, key))?.subDir;
  if (subDir !== undefined) {
    try {
      await atPlace(tree, subDir, { make: false }, (place) => removePlaced(state, tree, key, place));
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }
  await forgetPlaced(state, tree, key);
}

/** Undefined where there is none that this version of Berth wrote. */
async function readNote(
  state: State,
  tree: Tree,
  key: string,
): Promise<{ readonly inode: bigint; readonly subDir: string } | undefined> {
  try {
    const note = await tree.readlink(state.copies, noteMark + key);
    const [, inode = '', subDir = ''] = /^(\d{1,20}) (.+)$/.exec(note) ?? [];
    return inode === '' || subDirProblem(subDir) !== undefined ? undefined : { inode: BigInt(inode), subDir };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL')) return undefined;
    throw error;
  }
}
