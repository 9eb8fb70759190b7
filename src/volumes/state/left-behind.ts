import { ignoring } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { type Attachment, isLeft, type LeftEntry, numberedName, takenBackAs } from './attachment.ts';
import { entriesIn, folderOf, readAttachment, removeFolder } from './attachment-folder.ts';
import type { State } from './state.ts';

/** A volume that was taken from a node by force, while it used it. */
export interface LeftBehind extends LeftEntry {
  readonly attachment: Attachment;
}

export interface WantedAttachment extends Attachment {
  readonly multiNode: boolean;
}

/** Whether a node that was taken the volume wants it back as it had it. */
export function isItsOwn(
  { attachment }: LeftBehind,
  { nodeId, multiNode, readOnly }: WantedAttachment,
): boolean {
  return attachment.nodeId === nodeId && !multiNode && !readOnly;
}

/** Whether the volume was taken from a node that may still write to it. */
export async function isLeftBehind(state: State, tree: Tree, key: string): Promise<boolean> {
  return (await entriesIn(state, tree, folderOf(key))).some(isLeft);
}

/** Forgets one that was left behind: that node can do no harm any more. */
export async function forgetLeft(state: State, tree: Tree, key: string, { name }: LeftEntry): Promise<void> {
  const folder = folderOf(key);
  await ignoring(tree.unlink(state.volumes, `${folder}/${name}`), 'ENOENT');
  await removeFolder(state, tree, folder);
}

/** Forgets all that were left behind of a volume that is gone, and none of a later one of its name. */
export async function forgetLeftOf(
  state: State,
  tree: Tree,
  key: string,
  { id }: { readonly id: string },
): Promise<void> {
  const folder = folderOf(key);
  for (const entry of (await entriesIn(state, tree, folder)).filter(isLeft)) {
    const { version } = (await readAttachment(state, tree, folder, entry)) ?? {};
    if (version?.startsWith(`${id}/`)) await forgetLeft(state, tree, key, entry);
  }
}

/** Gives the volume back to the node that has not let go of it; nothing where that is left behind no more. */
export async function takeBack(state: State, tree: Tree, key: string, left: LeftBehind): Promise<void> {
  await renameLeft(state, tree, key, left, numberedName(takenBackAs[left.how], left.node, left.id));
}

/** Gives it a new id; nothing where it is left behind no more. */
export async function leaveAnew(state: State, tree: Tree, key: string, left: LeftBehind): Promise<void> {
  await renameLeft(state, tree, key, left, numberedName(left.how, left.node));
}

async function renameLeft(
  state: State,
  tree: Tree,
  key: string,
  { name }: LeftEntry,
  to: string,
): Promise<void> {
  const folder = folderOf(key);
  const rename = tree.rename(state.volumes, `${folder}/${name}`, state.volumes, `${folder}/${to}`);
  await ignoring(rename, 'ENOENT');
  await tree.sync(state.volumes);
}
