import { isErrno } from '../errors/node-error.ts';
import type { Tree } from '../pools/tree.ts';
import { temporaryName } from './records.ts';
import type { State } from './state.ts';
import { keyOf } from './volume-id.ts';

/**
 * Which nodes a volume is attached to: a folder `.berth/attachments/<key>/` with one symbolic link for each
 * node, named `single,<node>` or `multi,<node>`.
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
}

export type AttachResult =
  | { readonly kind: 'attached' }
  /** This node has it, but not in this way. */
  | { readonly kind: 'incompatible' }
  /** Others have it, and either they or this one want it alone. */
  | { readonly kind: 'elsewhere'; readonly nodes: readonly string[] };

const single = 'single,';
const multi = 'multi,';

export async function attach(
  state: State,
  tree: Tree,
  key: string,
  wanted: Attachment,
  multiNode: boolean,
): Promise<AttachResult> {
  const own = (multiNode ? multi : single) + keyOf(wanted.nodeId);
  // Each round ends with the server's verdict, or finds what has changed since the look before it.
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const names = await namesOf(state, tree, key);
    const conflict = await conflictWith(state, tree, key, names, own, wanted, multiNode);
    if (conflict !== undefined) return conflict;
    const done = multiNode
      ? await addToFolder(state, tree, key, own, wanted)
      : await renameFolder(state, tree, key, own, wanted);
    if (done) return { kind: 'attached' };
  }
  return { kind: 'elsewhere', nodes: await attachedNodes(state, tree, key) };
}

/** Removes the attachment of one node, or of all. True where there was one. */
export async function detach(state: State, tree: Tree, key: string, nodeId?: string): Promise<boolean> {
  const node = nodeId === undefined ? undefined : keyOf(nodeId);
  const names = (await namesOf(state, tree, key)).filter(
    (name) => node === undefined || name === single + node || name === multi + node,
  );
  for (const name of names) await tolerate(tree.unlink(state.attachments, `${key}/${name}`), 'ENOENT');
  // Fails while other nodes are in it, which is as well.
  await tolerate(tree.rmdir(state.attachments, key), 'ENOENT', 'ENOTEMPTY', 'EEXIST');
  await tree.sync(state.attachments);
  return names.length > 0;
}

/** The nodes a volume is attached to. */
export async function attachedNodes(state: State, tree: Tree, key: string): Promise<string[]> {
  const names = await namesOf(state, tree, key);
  const nodes = names.map(async (name) => {
    const node = name.slice(name.indexOf(',') + 1);
    // A short, plain node id is its own key; only a hashed one has to be read.
    if (keyOf(node) === node) return node;
    return (await read(state, tree, key, name))?.nodeId;
  });
  return (await Promise.all(nodes)).filter((node) => node !== undefined);
}

export async function attachmentsOf(state: State, tree: Tree, key: string): Promise<Attachment[]> {
  const names = await namesOf(state, tree, key);
  const found = await Promise.all(names.map((name) => read(state, tree, key, name)));
  return found.filter((attachment) => attachment !== undefined);
}

async function namesOf(state: State, tree: Tree, key: string): Promise<string[]> {
  try {
    const names = await tree.list(state.attachments, key);
    return names.filter((name) => name.startsWith(single) || name.startsWith(multi));
  } catch (error) {
    // A stray file is no attachment.
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function conflictWith(
  state: State,
  tree: Tree,
  key: string,
  names: readonly string[],
  own: string,
  wanted: Attachment,
  multiNode: boolean,
): Promise<AttachResult | undefined> {
  const rival = multiNode && names.some((name) => name.startsWith(single));
  if (names.includes(own) && rival) {
    // Left by a call that was killed before it saw that a single writer had been faster.
    await tolerate(tree.unlink(state.attachments, `${key}/${own}`), 'ENOENT');
  } else if (names.includes(own)) {
    const present = await read(state, tree, key, own);
    if (present?.nodeId === wanted.nodeId) {
      return { kind: present.readOnly === wanted.readOnly ? 'attached' : 'incompatible' };
    }
  }
  const node = keyOf(wanted.nodeId);
  if (names.some((name) => name !== own && name.endsWith(`,${node}`))) return { kind: 'incompatible' };
  const others = names.filter((name) => name !== own && (!multiNode || name.startsWith(single)));
  if (others.length === 0) return undefined;
  const holders = await Promise.all(others.map((name) => read(state, tree, key, name)));
  const nodes = holders.flatMap((holder) => (holder === undefined ? [] : [holder.nodeId]));
  return nodes.length === 0 ? undefined : { kind: 'elsewhere', nodes };
}

async function renameFolder(
  state: State,
  tree: Tree,
  key: string,
  own: string,
  wanted: Attachment,
): Promise<boolean> {
  const aside = temporaryName();
  await tree.mkdir(state.trash, aside, 0o700);
  try {
    await tree.symlink(state.trash, `${aside}/${own}`, encode(wanted));
    await tree.rename(state.trash, aside, state.attachments, key);
    await tree.sync(state.attachments);
    return true;
  } catch (error) {
    await tolerate(tree.unlink(state.trash, `${aside}/${own}`), 'ENOENT', 'ENOTDIR');
    await tolerate(tree.rmdir(state.trash, aside), 'ENOENT');
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

async function addToFolder(
  state: State,
  tree: Tree,
  key: string,
  own: string,
  wanted: Attachment,
): Promise<boolean> {
  await tolerate(tree.mkdir(state.attachments, key, 0o700), 'EEXIST');
  try {
    await tree.symlink(state.attachments, `${key}/${own}`, encode(wanted));
  } catch (error) {
    // ENOENT: a detach has just removed the empty folder.
    if (isErrno(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
  // A single writer may have renamed its folder here after the first look; it cannot do so from now on.
  const names = await namesOf(state, tree, key);
  if (names.some((name) => name.startsWith(single))) {
    await tolerate(tree.unlink(state.attachments, `${key}/${own}`), 'ENOENT');
    return false;
  }
  await tree.sync(state.attachments);
  return true;
}

async function read(state: State, tree: Tree, key: string, name: string): Promise<Attachment | undefined> {
  try {
    return decode(await tree.readlink(state.attachments, `${key}/${name}`), name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function encode({ nodeId, readOnly, handle, subDir }: Attachment): string {
  return JSON.stringify({ v: 1, node: nodeId, ro: readOnly || undefined, handle, dir: subDir });
}

/** A mangled attachment still counts as one, by the node in its name: a writer is never overlooked. */
function decode(text: string, name: string): Attachment {
  const fallback = { nodeId: name.slice(name.indexOf(',') + 1), readOnly: false };
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== 'object' || fields === null) return fallback;
    const { node, ro, handle, dir }: Record<string, unknown> = { ...fields };
    return {
      nodeId: typeof node === 'string' ? node : fallback.nodeId,
      readOnly: ro === true,
      ...(typeof handle === 'string' ? { handle } : {}),
      ...(typeof dir === 'string' ? { subDir: dir } : {}),
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
