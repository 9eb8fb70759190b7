import { isErrno } from '../../errors/node-error.ts';
import type { Tree } from '../../pools/tree.ts';
import { stateDirName } from '../sub-dir.ts';
import { keyOf } from '../volume-id.ts';
import { temporaryName } from './records.ts';
import type { State } from './state.ts';

/**
 * Which nodes a volume is attached to: a folder `.berth/volumes/+<key>/` with one symbolic link for each
 * node, named `single,<node>` or `multi,<node>`. It lies beside the record, since making it tells an NFS client
 * whether others changed the folder of the records, and so whether the record it remembers is still there.
 *
 * The single writer is decided by the server, in one rename: the folder is made aside with its link in it and
 * renamed to its place, which succeeds only where there is no folder, or an empty one (rename(2)). The node
 * is in the link's name, so that a detach can only ever remove the attachment it names.
 */
export interface Attachment {
  readonly nodeId: string;
  readonly readOnly: boolean;
  /** Set for a static volume: its handle and where it is, since no record says so. */
  readonly handle?: string;
  readonly subDir?: string;
  readonly image?: string;
  readonly device?: string;
}

export type AttachResult =
  /** `fresh`: by this call. */
  | { readonly kind: 'attached'; readonly fresh: boolean }
  /** This node has it, but not in this way. */
  | { readonly kind: 'incompatible' }
  /** Others have it, and either they or this one want it alone. */
  | { readonly kind: 'elsewhere'; readonly nodes: readonly string[] };

const single = 'single,';
const multi = 'multi,';
/** Begins the name of a folder of attachments; no key begins so. */
const folderMark = '+';

/**
 * What a node leaves beside its attachment to an image: `used,<node>` as long as it may write to it, and `making,<node>`
 * while it makes the filesystem. A detach that finds one was forced.
 */
export const nodeMarks = { used: 'used,', making: 'making,' } as const;

/** Where a volume's attachments are, relative to the pool's root. */
export function attachmentFolder(key: string): string {
  return `${stateDirName}/volumes/${folderMark}${key}`;
}

/** The names that an attachment of a node may have there. */
export function attachmentNames(nodeId: string): readonly string[] {
  const node = keyOf(nodeId);
  return [single + node, multi + node];
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

/** Attaches a volume to a node; repeated, it is the same as once. Whether the volume is there is not looked at. */
export async function attach(
  state: State,
  tree: Tree,
  key: string,
  attachment: Attachment,
  multiNode: boolean,
): Promise<AttachResult> {
  const own = (multiNode ? multi : single) + keyOf(attachment.nodeId);
  const wish: Wish = { state, tree, folder: folderMark + key, attachment, multiNode, own };
  // Each round ends with the server's verdict, or finds what has changed since the look before it.
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const conflict = await findConflict(wish);
    if (conflict !== undefined) return conflict;
    const done = multiNode ? await addToFolder(wish) : await renameFolder(wish);
    if (done) return { kind: 'attached', fresh: true };
  }
  return { kind: 'elsewhere', nodes: await attachedNodes(state, tree, key) };
}

/** What a node that was detached has left, as it had no time to let go of the image. */
export interface Mark {
  readonly nodeId: string;
  /** It was making the filesystem. */
  readonly isMaking: boolean;
}

/**
 * Removes the attachment of one node, or of all. `forced` is told of the marks that are left on an image; they go once it
 * has put up something in their place. Without it they stay, and keep other nodes from the volume.
 */
export async function detach(
  state: State,
  tree: Tree,
  key: string,
  nodeId?: string,
  forced?: (marks: readonly Mark[]) => Promise<void>,
): Promise<void> {
  const folder = folderMark + key;
  const node = nodeId === undefined ? undefined : keyOf(nodeId);
  const isMeant = (name: string) => node === undefined || name.slice(name.indexOf(',') + 1) === node;
  const names = (await everyName(state, tree, folder)).filter(isMeant);
  const marks = names.filter(isMark);
  if (marks.length > 0 && forced !== undefined) {
    await forced(
      marks.map((name) => ({
        nodeId: nodeId ?? name.slice(name.indexOf(',') + 1),
        isMaking: name.startsWith(nodeMarks.making),
      })),
    );
  }
  const ends = names.filter((name) => isAttachment(name) || (isMark(name) && forced !== undefined));
  for (const name of ends) await tolerate(tree.unlink(state.volumes, `${folder}/${name}`), 'ENOENT');
  // Fails while other nodes are in it, which is as well.
  await tolerate(tree.rmdir(state.volumes, folder), 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR');
  await tree.sync(state.volumes);
}

/** The nodes a volume is attached to. */
export async function attachedNodes(state: State, tree: Tree, key: string): Promise<string[]> {
  const folder = folderMark + key;
  const names = await namesIn(state, tree, folder);
  const nodes = names.map(async (name) => {
    const node = name.slice(name.indexOf(',') + 1);
    // A short, plain node id is its own key; only a hashed one has to be read.
    if (keyOf(node) === node) return node;
    return (await read(state, tree, folder, name))?.nodeId;
  });
  return (await Promise.all(nodes)).filter((node) => node !== undefined);
}

export async function attachmentsOf(state: State, tree: Tree, key: string): Promise<Attachment[]> {
  const folder = folderMark + key;
  const names = await namesIn(state, tree, folder);
  const found = await Promise.all(names.map((name) => read(state, tree, folder, name)));
  return found.filter((attachment) => attachment !== undefined);
}

/** The keys of the volumes that are attached somewhere, static ones included, by the names beside the records. */
export function attachedKeys(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(folderMark)).map((name) => name.slice(folderMark.length));
}

async function namesIn(state: State, tree: Tree, folder: string): Promise<string[]> {
  return (await everyName(state, tree, folder)).filter(isAttachment);
}

function isAttachment(name: string): boolean {
  return name.startsWith(single) || name.startsWith(multi);
}

function isMark(name: string): boolean {
  return Object.values(nodeMarks).some((mark) => name.startsWith(mark));
}

async function everyName(state: State, tree: Tree, folder: string): Promise<string[]> {
  try {
    return await tree.list(state.volumes, folder);
  } catch (error) {
    // A stray file is no attachment.
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function findConflict({
  state,
  tree,
  folder,
  attachment,
  multiNode,
  own,
}: Wish): Promise<AttachResult | undefined> {
  const every = await everyName(state, tree, folder);
  const names = every.filter(isAttachment);
  const rival = multiNode && names.some((name) => name.startsWith(single));
  if (names.includes(own) && rival) {
    // Left by a call that was killed before it saw that a single writer had been faster.
    await tolerate(tree.unlink(state.volumes, `${folder}/${own}`), 'ENOENT');
  } else if (names.includes(own)) {
    const present = await read(state, tree, folder, own);
    if (present?.nodeId === attachment.nodeId) {
      const alike = present.readOnly === attachment.readOnly;
      return alike ? { kind: 'attached', fresh: false } : { kind: 'incompatible' };
    }
  }
  const node = keyOf(attachment.nodeId);
  if (names.some((name) => name !== own && name.endsWith(`,${node}`))) return { kind: 'incompatible' };
  const others = names.filter((name) => name !== own && (!multiNode || name.startsWith(single)));
  if (others.length === 0) return heldByMark(every, names, node);
  const holders = await Promise.all(others.map((name) => read(state, tree, folder, name)));
  const nodes = holders.flatMap((holder) => (holder === undefined ? [] : [holder.nodeId]));
  return nodes.length === 0 ? undefined : { kind: 'elsewhere', nodes };
}

/** A node that was detached by force from an image that cannot be replaced may still be writing to it. */
function heldByMark(
  every: readonly string[],
  attachments: readonly string[],
  node: string,
): AttachResult | undefined {
  if (attachments.length > 0) return undefined;
  const holders = every.filter((name) => isMark(name) && !name.endsWith(`,${node}`));
  if (holders.length === 0) return undefined;
  return { kind: 'elsewhere', nodes: [...new Set(holders.map((name) => name.slice(name.indexOf(',') + 1)))] };
}

async function renameFolder(wish: Wish): Promise<boolean> {
  const { state, tree, folder, attachment, own } = wish;
  const aside = temporaryName();
  await tree.mkdir(state.trash, aside, 0o700);
  try {
    await tree.symlink(state.trash, `${aside}/${own}`, encode(attachment));
    await tree.rename(state.trash, aside, state.volumes, folder);
    await tree.sync(state.volumes);
    return true;
  } catch (error) {
    await tolerate(tree.unlink(state.trash, `${aside}/${own}`), 'ENOENT', 'ENOTDIR');
    await tolerate(tree.rmdir(state.trash, aside), 'ENOENT');
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  // Its own marks are in it, from before it was detached by force: nobody else can rename a folder to there.
  const every = await everyName(state, tree, folder);
  return every.length > 0 && every.every(isMark) ? addToFolder(wish) : false;
}

async function addToFolder({ state, tree, folder, attachment, own }: Wish): Promise<boolean> {
  await tolerate(tree.mkdir(state.volumes, folder, 0o700), 'EEXIST');
  try {
    await tree.symlink(state.volumes, `${folder}/${own}`, encode(attachment));
  } catch (error) {
    // ENOENT: a detach has just removed the empty folder.
    if (isErrno(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
  // A single writer may have renamed its folder here after the first look; it cannot do so from now on.
  const names = await namesIn(state, tree, folder);
  if (names.some((name) => name !== own && name.startsWith(single))) {
    await tolerate(tree.unlink(state.volumes, `${folder}/${own}`), 'ENOENT');
    return false;
  }
  await tree.sync(state.volumes);
  return true;
}

async function read(state: State, tree: Tree, folder: string, name: string): Promise<Attachment | undefined> {
  try {
    return decode(await tree.readlink(state.volumes, `${folder}/${name}`), name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function encode({ nodeId, readOnly, handle, subDir, image, device }: Attachment): string {
  return JSON.stringify({
    v: 1,
    node: nodeId,
    ro: readOnly || undefined,
    handle,
    dir: subDir,
    image,
    device,
  });
}

/** A mangled attachment still counts as one, by the node in its name: a writer is never overlooked. */
function decode(text: string, name: string): Attachment {
  const fallback = { nodeId: name.slice(name.indexOf(',') + 1), readOnly: false };
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== 'object' || fields === null) return fallback;
    const { node, ro, handle, dir, image, device }: Record<string, unknown> = { ...fields };
    return {
      nodeId: typeof node === 'string' ? node : fallback.nodeId,
      readOnly: ro === true,
      ...(typeof handle === 'string' ? { handle } : {}),
      ...(typeof dir === 'string' ? { subDir: dir } : {}),
      ...(typeof image === 'string' ? { image } : {}),
      ...(typeof device === 'string' ? { device } : {}),
    };
  } catch {
    return fallback;
  }
}

async function tolerate(call: Promise<void>, ...codes: string[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isErrno(error, ...codes)) throw error;
  }
}
