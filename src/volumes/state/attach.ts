import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { keyOf } from '../volume-id.ts';
import {
  type AttachedEntry,
  type Attachment,
  attachedName,
  encodeAttachment,
  isAttached,
  isInUse,
  isLeft,
  leftOf,
  numberedName,
} from './attachment.ts';
import { entriesIn, folderOf, lookAnew, readAttachment, removeFolder } from './attachment-folder.ts';
import type { LeftBehind } from './left-behind.ts';
import { temporaryName } from './records.ts';
import { type State, stateDirMode } from './state.ts';

export type AttachResult =
  /** `fresh`: by this call. */
  | { readonly kind: 'attached'; readonly fresh: boolean; readonly attachment: Attachment }
  /** This node has it, but not in this way. */
  | { readonly kind: 'incompatible' }
  /** Others have it, and either they or this one want it alone. */
  | { readonly kind: 'elsewhere'; readonly nodes: readonly string[] }
  /** It was taken by force from nodes that may still write to it. */
  | { readonly kind: 'left'; readonly left: readonly LeftBehind[] };

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

/**
 * Attaches a volume to a node; repeated, it is the same as once. Whether the volume is there is not looked at. Throws
 * ABORTED.
 */
export async function attach(
  state: State,
  tree: Tree,
  key: string,
  attachment: Attachment,
  multiNode: boolean,
): Promise<AttachResult> {
  const own = attachedName(multiNode ? 'multi' : 'single', attachment.nodeId);
  const wish: Wish = { state, tree, folder: folderOf(key), attachment, multiNode, own };
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
      await ignoring(tree.unlink(state.volumes, `${folder}/${entry.name}`), 'ENOENT');
      continue;
    }
    const present = await readAttachment(state, tree, folder, entry);
    // It is being renamed at this moment: the next look shows it.
    if (present === undefined) return undefined;
    if (present.nodeId !== attachment.nodeId) continue;
    const alike = present.readOnly === attachment.readOnly;
    return alike ? { kind: 'attached', fresh: false, attachment: present } : { kind: 'incompatible' };
  }
  const holders = await Promise.all(rivals.map((entry) => readAttachment(state, tree, folder, entry)));
  const nodes = holders.flatMap((holder) => (holder === undefined ? [] : [holder.nodeId]));
  if (nodes.length > 0) return { kind: 'elsewhere', nodes };
  const left = await Promise.all(
    entries.filter(isLeft).map(async (entry) => {
      const its = await readAttachment(state, tree, folder, entry);
      return its === undefined ? [] : [{ ...entry, attachment: its }];
    }),
  );
  const all = left.flat();
  return all.length === 0 ? undefined : { kind: 'left', left: all };
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
    await ignoring(tree.unlink(state.trash, `${aside}/${own}`), 'ENOENT', 'ENOTDIR');
    await ignoring(tree.rmdir(state.trash, aside), 'ENOENT');
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

async function addToFolder({ state, tree, folder, attachment, own }: Wish): Promise<boolean> {
  await ignoring(tree.mkdir(state.volumes, folder, stateDirMode), 'EEXIST');
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
    await ignoring(tree.unlink(state.volumes, `${folder}/${own}`), 'ENOENT');
    return false;
  }
  await tree.sync(state.volumes);
  return true;
}

/** Removes the attachment of one node, or of all; what is in use stays as left behind. Throws ABORTED. */
export async function detach(state: State, tree: Tree, key: string, nodeId?: string): Promise<void> {
  const folder = folderOf(key);
  const node = nodeId === undefined ? undefined : keyOf(nodeId);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    // An NFS client may remember the names for a second, and the node may rename its own at any moment.
    if (attempt > 0) await lookAnew(state, tree, folder);
    const ends = (await entriesIn(state, tree, folder))
      .filter(isAttached)
      .filter((entry) => node === undefined || entry.node === node);
    for (const entry of ends) await ignoring(end(state, tree, folder, entry), 'ENOENT');
    if (await removeFolder(state, tree, folder)) return;
    // What is in it is others', if these are the names.
    if (ends.length === 0 && attempt > 0) return;
  }
  throw busy(key);
}

function end(state: State, tree: Tree, folder: string, entry: AttachedEntry): Promise<void> {
  const path = `${folder}/${entry.name}`;
  if (!isInUse(entry)) return tree.unlink(state.volumes, path);
  const left = numberedName(leftOf[entry.how], entry.node);
  return tree.rename(state.volumes, path, state.volumes, `${folder}/${left}`);
}

function busy(key: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being attached and detached by others at the same time; repeat the call.`,
  );
}
