import type { Tree } from '../../pools/tree.ts';
import { keyOf } from '../volume-id.ts';
import { type Attachment, type Entry, isAttached } from './attachment.ts';
import { entriesIn, folderOf, readAttachment } from './attachment-folder.ts';
import type { State } from './state.ts';

/** The nodes a volume is attached to. */
export async function attachedNodes(state: State, tree: Tree, key: string): Promise<string[]> {
  const folder = folderOf(key);
  const entries = (await entriesIn(state, tree, folder)).filter(isAttached);
  const nodes = entries.map(async ({ name, node }) => {
    // A short, plain node id is its own key; only a hashed one has to be read.
    if (keyOf(node) === node) return node;
    return (await readAttachment(state, tree, folder, { name, node }))?.nodeId;
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
  const folder = folderOf(key);
  const entries = (await entriesIn(state, tree, folder)).filter(isMeant);
  const found = await Promise.all(entries.map((entry) => readAttachment(state, tree, folder, entry)));
  return found.filter((attachment) => attachment !== undefined);
}
