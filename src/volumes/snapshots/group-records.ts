import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { newAside } from '../copies/copy-lock.ts';
import { type State, stateDirMode } from '../state/state.ts';
import { isKey, keyOf } from '../volume-id.ts';

/**
 * Snapshots that are taken and deleted together: `.berth/groups/<key>` is a directory with a symbolic link for each
 * volume, by its key, to its snapshot's. It is made aside, and gets its place once it is complete. What the group was
 * asked for with is the target of one more link.
 */
export interface GroupRecord {
  /** The CSI name. */
  readonly name: string;
  /** When it was asked for; milliseconds since 1970. */
  readonly created: number;
  /** The keys of its snapshots, by those of their volumes. */
  readonly members: ReadonlyMap<string, string>;
}

/** No key begins so. */
const about = '.group';

/** The key of a member, which no snapshot that is asked for alone gets but by its whole name. */
export function memberKey(group: string, volume: string): string {
  return keyOf(`${group}/${volume}`);
}

export function newGroup(key: string, name: string, volumes: readonly string[]): GroupRecord {
  return {
    name,
    created: Date.now(),
    members: new Map(volumes.map((volume) => [volume, memberKey(key, volume)])),
  };
}

/** Undefined where there is none. */
export async function readGroup(state: State, tree: Tree, key: string): Promise<GroupRecord | undefined> {
  await tree.setMode(state.groups, stateDirMode);
  try {
    const folder = await tree.openDir(state.groups, key);
    try {
      const { name, created } = decode(key, await tree.readlink(folder, about));
      const volumes = (await tree.list(folder, '.')).filter(isKey).sort();
      const keys = await Promise.all(volumes.map((volume) => tree.readlink(folder, volume)));
      return { name, created, members: new Map(volumes.map((volume, index) => [volume, keys[index] ?? ''])) };
    } finally {
      tree.close(folder);
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** False where there is one by that key. */
export async function createGroup(
  state: State,
  tree: Tree,
  key: string,
  { name, created, members }: GroupRecord,
): Promise<boolean> {
  const aside = newAside();
  await tree.mkdir(state.copies, aside, stateDirMode);
  const folder = await tree.openDir(state.copies, aside);
  try {
    await tree.symlink(folder, about, JSON.stringify({ v: 1, name, created }));
    for (const [volume, snapshot] of members) await tree.symlink(folder, volume, snapshot);
    await tree.sync(folder);
    await tree.rename(state.copies, aside, state.groups, key);
    await tree.sync(state.groups, state.copies);
    return true;
  } catch (error) {
    await ignoring(tree.rename(state.copies, aside, state.trash, `group-${aside.slice(1)}`), 'ENOENT');
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  } finally {
    tree.close(folder);
  }
}

/** Once its snapshots have gone. */
export async function removeGroup(state: State, tree: Tree, key: string): Promise<void> {
  const gone = `group-${newAside().slice(1)}`;
  await ignoring(tree.rename(state.groups, key, state.trash, gone), 'ENOENT');
  await tree.sync(state.trash, state.groups);
}

function decode(key: string, text: string): Pick<GroupRecord, 'name' | 'created'> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'name' in parsed && 'created' in parsed) {
      const { name, created } = parsed;
      if (typeof name === 'string' && typeof created === 'number') return { name, created };
    }
  } catch {
    // Told below.
  }
  throw new CsiError(
    status.INTERNAL,
    'record-unreadable',
    `The record .berth/groups/${key} of a group of snapshots cannot be read: it is not one that this version of Berth wrote. Restore it from a backup; nothing was changed.`,
  );
}
