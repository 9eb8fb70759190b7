import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { isKey, keyOf } from '../volume-id.ts';
import { temporaryName } from './records.ts';
import type { State } from './state.ts';

/** What a node plugin leaves of itself on each pool it can reach: `.berth/nodes/<key of the node id>`. */
export interface NodeRecord {
  readonly nodeId: string;
  /** How many volumes may be attached to it; 0: no limit. */
  readonly maxVolumes: number;
}

/** Puts down that this node exists, replacing what it said before. */
export async function announceNode(state: State, tree: Tree, node: NodeRecord): Promise<void> {
  const text = JSON.stringify({ v: 1, node: node.nodeId, max: node.maxVolumes });
  const key = keyOf(node.nodeId);
  try {
    await tree.symlink(state.nodes, key, text);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    if ((await tree.readlink(state.nodes, key)) === text) return;
    const aside = temporaryName();
    await tree.symlink(state.trash, aside, text);
    await tree.rename(state.trash, aside, state.nodes, key);
  }
  await tree.sync(state.nodes);
}

/** The ids of the nodes that have announced themselves. */
export async function listNodes(state: State, tree: Tree): Promise<string[]> {
  const names = (await tree.list(state.nodes, '.')).filter(isKey).sort();
  const ids = await Promise.all(
    names.map(async (name) => {
      try {
        const fields: unknown = JSON.parse(await tree.readlink(state.nodes, name));
        const isRecord = typeof fields === 'object' && fields !== null && 'node' in fields;
        return isRecord && typeof fields.node === 'string' ? fields.node : undefined;
      } catch (error) {
        // Gone meanwhile, or none of Berth's.
        if (isErrno(error, 'ENOENT', 'EINVAL') || error instanceof SyntaxError) return undefined;
        throw error;
      }
    }),
  );
  return ids.filter((id) => id !== undefined);
}

/** Finds a node by its id; undefined where it never announced itself on this pool. */
export async function findNode(state: State, tree: Tree, nodeId: string): Promise<NodeRecord | undefined> {
  let text: string;
  try {
    text = await tree.readlink(state.nodes, keyOf(nodeId));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === 'object' && fields !== null && 'max' in fields && typeof fields.max === 'number') {
      return { nodeId, maxVolumes: fields.max };
    }
  } catch {
    // Below: a mangled record still says that the node is there.
  }
  return { nodeId, maxVolumes: 0 };
}
