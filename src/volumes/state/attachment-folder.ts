import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { stateDirName } from '../sub-dir.ts';
import { type Attachment, decodeAttachment, type Entry, readEntry } from './attachment.ts';
import { type State, stateDirMode } from './state.ts';

/**
 * Which nodes a volume is attached to: a folder `.berth/volumes/+<key>/` with one symbolic link for each
 * node, named `<how it has it>,<node>`. It lies beside the record, since making it tells an NFS client
 * whether others changed the folder of the records, and so whether the record it remembers is still there.
 *
 * The single writer is decided by the server, in one rename: the folder is made aside with its link in it and
 * renamed to its place, which succeeds only where there is no folder, or an empty one (rename(2)). The node
 * is in the link's name, so that a detach can only ever remove the attachment it names.
 *
 * A node that may write to an image or a device says so by renaming its link from `single` to `used,<random>`, and back
 * once it has let go. A detach that finds `used` was forced: it renames the link to `left`, and as long as one of those
 * is there nobody attaches the volume. What a link is called is decided by the server too, so a node has either taken
 * the volume into use before it was detached, or cannot any more.
 */
const folderMark = '+';

/** The folder of a volume, in that of the records. */
export function folderOf(key: string): string {
  return folderMark + key;
}

/** Where a volume's attachments are, relative to the pool's root. */
export function attachmentFolder(key: string): string {
  return `${stateDirName}/volumes/${folderOf(key)}`;
}

/** The keys of the volumes that are attached somewhere, static ones included, by the names beside the records. */
export function attachedKeys(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(folderMark)).map((name) => name.slice(folderMark.length));
}

export async function entriesIn(state: State, tree: Tree, folder: string): Promise<Entry[]> {
  try {
    return (await tree.list(state.volumes, folder)).flatMap((name) => readEntry(name) ?? []);
  } catch (error) {
    // A stray file is no attachment.
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

export async function readAttachment(
  state: State,
  tree: Tree,
  folder: string,
  { name, node }: { readonly name: string; readonly node: string },
): Promise<Attachment | undefined> {
  try {
    return decodeAttachment(await tree.readlink(state.volumes, `${folder}/${name}`), node);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** A change of the folder, if only of its mode to what it is, has an NFS client forget what it remembers of it. */
export async function lookAnew(state: State, tree: Tree, folder: string): Promise<void> {
  try {
    const opened = await tree.openForAttributes(state.volumes, folder);
    try {
      await tree.setMode(opened, stateDirMode);
    } finally {
      tree.close(opened);
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}

/** False where something is in it. */
export async function removeFolder(state: State, tree: Tree, folder: string): Promise<boolean> {
  try {
    await tree.rmdir(state.volumes, folder);
    await tree.sync(state.volumes);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return true;
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    await tree.sync(state.volumes);
    return false;
  }
}
