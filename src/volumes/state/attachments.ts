import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/node-error.ts';
import type { Tree } from '../../pools/tree.ts';
import { stateDirName } from '../sub-dir.ts';
import { keyOf } from '../volume-id.ts';
import {
  type AttachedEntry,
  type Attachment,
  attachedName,
  decodeAttachment,
  type Entry,
  encodeAttachment,
  isAttached,
  isInUse,
  isLeft,
  type LeftEntry,
  leftOf,
  numberedName,
  readEntry,
  takenBackAs,
} from './attachment.ts';
import { temporaryName } from './records.ts';
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
 * once it has let go. A detach that finds `used` was forced: it renames the link to `left`, and as long as one of those is there
 * nobody attaches the volume. What a link is called is decided by the server too, so a node has either taken the volume into
 * use before it was detached, or cannot any more.
 */
export type AttachResult =
  /** `fresh`: by this call. */
  | { readonly kind: 'attached'; readonly fresh: boolean; readonly attachment: Attachment }
  /** This node has it, but not in this way. */
  | { readonly kind: 'incompatible' }
  /** Others have it, and either they or this one want it alone. */
  | { readonly kind: 'elsewhere'; readonly nodes: readonly string[] }
  /** It was taken by force from nodes that may still write to it. */
  | { readonly kind: 'left'; readonly left: readonly LeftBehind[] };

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

/** Begins the name of a folder of attachments; no key begins so. */
const folderMark = '+';

/** Where a volume's attachments are, relative to the pool's root. */
export function attachmentFolder(key: string): string {
  return `${stateDirName}/volumes/${folderMark}${key}`;
}

/** What is wanted of one volume; the work on it goes through several steps. */
interface Wish {
  readonly state: State;
  readonly tree: Tree;
  /** The volume's folder of attachments, in the folder of the records. */
  readonly folder: string;
  readonly attachment: Attachment;
  readonly multiNode: boolean;
  /** The name that the attachment gets in the folder. */
  readonly own: string;
}

/** Attaches a volume to a node; repeated, it is the same as once. Whether the volume is there is not looked at. Throws ABORTED. */
export async function attach(
  state: State,
  tree: Tree,
  key: string,
  attachment: Attachment,
  multiNode: boolean,
): Promise<AttachResult> {
  const own = attachedName(multiNode ? 'multi' : 'single', attachment.nodeId);
  const wish: Wish = { state, tree, folder: folderMark + key, attachment, multiNode, own };
  // Each round ends with the server's verdict, or finds what has changed since the look before it.
  for (let attempt = 0; attempt < 20; attempt += 1) {
    // An NFS client may remember the names for a second.
    if (attempt > 0) await lookAnew(state, tree, wish.folder);
    const found = await findHolders(wish);
    if (found !== undefined) return found;
    const done = multiNode ? await addToFolder(wish) : await renameFolder(wish);
    if (done) return { kind: 'attached', fresh: true, attachment };
  }
  throw busy(key);
}

/** Removes the attachment of one node, or of all; what is in use stays as left behind. Throws ABORTED. */
export async function detach(state: State, tree: Tree, key: string, nodeId?: string): Promise<void> {
  const folder = folderMark + key;
  const node = nodeId === undefined ? undefined : keyOf(nodeId);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    // An NFS client may remember the names for a second, and the node may rename its own at any moment.
    if (attempt > 0) await lookAnew(state, tree, folder);
    const ends = (await entriesIn(state, tree, folder))
      .filter(isAttached)
      .filter((entry) => node === undefined || entry.node === node);
    for (const entry of ends) await tolerate(end(state, tree, folder, entry), 'ENOENT');
    if (await removeFolder(state, tree, folder)) return;
    // What is in it is others', if these are the names.
    if (ends.length === 0 && attempt > 0) return;
  }
  throw busy(key);
}

function busy(key: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being attached and detached by others at the same time; repeat the call.`,
  );
}

function end(state: State, tree: Tree, folder: string, entry: AttachedEntry): Promise<void> {
  const path = `${folder}/${entry.name}`;
  if (!isInUse(entry)) return tree.unlink(state.volumes, path);
  const left = numberedName(leftOf[entry.how], entry.node);
  return tree.rename(state.volumes, path, state.volumes, `${folder}/${left}`);
}

/** A change of the folder, if only of its mode to what it is, has an NFS client forget what it remembers of it. */
async function lookAnew(state: State, tree: Tree, folder: string): Promise<void> {
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

/** Forgets one that was left behind: that node can do no harm any more. */
export async function forgetLeft(state: State, tree: Tree, key: string, { name }: LeftEntry): Promise<void> {
  const folder = folderMark + key;
  await tolerate(tree.unlink(state.volumes, `${folder}/${name}`), 'ENOENT');
  await removeFolder(state, tree, folder);
}

/** Whether the volume was taken from a node that may still write to it. */
export async function isLeftBehind(state: State, tree: Tree, key: string): Promise<boolean> {
  return (await entriesIn(state, tree, folderMark + key)).some(isLeft);
}

/** Forgets all that were left behind of a volume that is gone, and none of a later one of its name. */
export async function forgetLeftOf(
  state: State,
  tree: Tree,
  key: string,
  { id }: { readonly id: string },
): Promise<void> {
  const folder = folderMark + key;
  for (const entry of (await entriesIn(state, tree, folder)).filter(isLeft)) {
    const { version } = (await read(state, tree, folder, entry)) ?? {};
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
  const folder = folderMark + key;
  const rename = tree.rename(state.volumes, `${folder}/${name}`, state.volumes, `${folder}/${to}`);
  await tolerate(rename, 'ENOENT');
  await tree.sync(state.volumes);
}

/** The nodes a volume is attached to. */
export async function attachedNodes(state: State, tree: Tree, key: string): Promise<string[]> {
  const folder = folderMark + key;
  const entries = (await entriesIn(state, tree, folder)).filter(isAttached);
  const nodes = entries.map(async ({ name, node }) => {
    // A short, plain node id is its own key; only a hashed one has to be read.
    if (keyOf(node) === node) return node;
    return (await read(state, tree, folder, { name, node }))?.nodeId;
  });
  return [...new Set((await Promise.all(nodes)).filter((node) => node !== undefined))];
}

export async function attachmentsOf(state: State, tree: Tree, key: string): Promise<Attachment[]> {
  return readAll(state, tree, key, isAttached);
}

/** The attachments, and those that were left behind. */
export async function holdersOf(state: State, tree: Tree, key: string): Promise<Attachment[]> {
  return readAll(state, tree, key, () => true);
}

async function readAll(
  state: State,
  tree: Tree,
  key: string,
  isMeant: (entry: Entry) => boolean,
): Promise<Attachment[]> {
  const folder = folderMark + key;
  const entries = (await entriesIn(state, tree, folder)).filter(isMeant);
  const found = await Promise.all(entries.map((entry) => read(state, tree, folder, entry)));
  return found.filter((attachment) => attachment !== undefined);
}

/** The keys of the volumes that are attached somewhere, static ones included, by the names beside the records. */
export function attachedKeys(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(folderMark)).map((name) => name.slice(folderMark.length));
}

async function entriesIn(state: State, tree: Tree, folder: string): Promise<Entry[]> {
  try {
    return (await tree.list(state.volumes, folder)).flatMap((name) => readEntry(name) ?? []);
  } catch (error) {
    // A stray file is no attachment.
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function findHolders(wish: Wish): Promise<AttachResult | undefined> {
  const { state, tree, folder, attachment, multiNode } = wish;
  const entries = await entriesIn(state, tree, folder);
  const attached = entries.filter(isAttached);
  const node = keyOf(attachment.nodeId);
  const own = attached.filter((entry) => entry.node === node);
  const others = attached.filter((entry) => entry.node !== node);
  const rivals = others.filter(({ how }) => !multiNode || how !== 'multi');
  for (const entry of own) {
    if ((entry.how === 'multi') !== multiNode) return { kind: 'incompatible' };
    if (multiNode && (rivals.length > 0 || entries.some(isLeft))) {
      // Left by a call that was killed before it saw that a single writer had been faster.
      await tolerate(tree.unlink(state.volumes, `${folder}/${entry.name}`), 'ENOENT');
      continue;
    }
    const present = await read(state, tree, folder, entry);
    // It is being renamed at this moment: the next look shows it.
    if (present === undefined) return undefined;
    if (present.nodeId !== attachment.nodeId) continue;
    const alike = present.readOnly === attachment.readOnly;
    return alike ? { kind: 'attached', fresh: false, attachment: present } : { kind: 'incompatible' };
  }
  const holders = await Promise.all(rivals.map((entry) => read(state, tree, folder, entry)));
  const nodes = holders.flatMap((holder) => (holder === undefined ? [] : [holder.nodeId]));
  if (nodes.length > 0) return { kind: 'elsewhere', nodes };
  const left = await Promise.all(
    entries.filter(isLeft).map(async (entry) => {
      const its = await read(state, tree, folder, entry);
      return its === undefined ? [] : [{ ...entry, attachment: its }];
    }),
  );
  return left.flat().length === 0 ? undefined : { kind: 'left', left: left.flat() };
}

async function renameFolder({ state, tree, folder, attachment, own }: Wish): Promise<boolean> {
  const aside = temporaryName();
  await tree.mkdir(state.trash, aside, stateDirMode);
  try {
    await tree.symlink(state.trash, `${aside}/${own}`, encodeAttachment(attachment));
    await tree.rename(state.trash, aside, state.volumes, folder);
    await tree.sync(state.volumes);
    return true;
  } catch (error) {
    await tolerate(tree.unlink(state.trash, `${aside}/${own}`), 'ENOENT', 'ENOTDIR');
    await tolerate(tree.rmdir(state.trash, aside), 'ENOENT');
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

async function addToFolder({ state, tree, folder, attachment, own }: Wish): Promise<boolean> {
  await tolerate(tree.mkdir(state.volumes, folder, stateDirMode), 'EEXIST');
  try {
    await tree.symlink(state.volumes, `${folder}/${own}`, encodeAttachment(attachment));
  } catch (error) {
    // ENOENT: a detach has just removed the empty folder.
    if (isErrno(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
  // A single writer may have renamed its folder here after the first look; it cannot do so from now on.
  const entries = await entriesIn(state, tree, folder);
  if (entries.some(({ name, how }) => name !== own && how !== 'multi')) {
    await tolerate(tree.unlink(state.volumes, `${folder}/${own}`), 'ENOENT');
    return false;
  }
  await tree.sync(state.volumes);
  return true;
}

/** False where something is in it. */
async function removeFolder(state: State, tree: Tree, folder: string): Promise<boolean> {
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

async function read(
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

async function tolerate(call: Promise<void>, ...codes: string[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isErrno(error, ...codes)) throw error;
  }
}
