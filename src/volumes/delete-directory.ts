import { isErrno } from '../errors/node-error.ts';
import type { Dir, Tree } from '../pools/tree.ts';
import { attachedNodes } from './attachments.ts';
import { atPlace } from './beneath.ts';
import { discardUnfinished } from './directory.ts';
import { releasePath } from './path-claims.ts';
import type { VolumeRecord } from './record.ts';
import { readRecord, removeRecord, temporaryName } from './records.ts';
import type { State } from './state.ts';

export type Deletion =
  | { readonly kind: 'absent' }
  | { readonly kind: 'attached'; readonly nodes: readonly string[] }
  | { readonly kind: 'gone'; readonly record: VolumeRecord };

/**
 * Deletes a directory volume: its directory goes to the trash or the archive, or stays, in one rename; then its
 * record goes. Killed in between, a retry finds the record and the directory gone already. What is in the
 * trash is removed later, in the background.
 */
export async function deleteDirectory(state: State, tree: Tree, key: string): Promise<Deletion> {
  const record = await readRecord(state, tree, key);
  if (record === undefined) return { kind: 'absent' };
  if (!record.ready) {
    await discardUnfinished(state, tree, key, record);
    return { kind: 'absent' };
  }
  const nodes = await attachedNodes(state, tree, key);
  if (nodes.length > 0) return { kind: 'attached', nodes };
  switch (record.onDelete) {
    case 'delete':
      await moveAway(tree, record, state.trash, `${key}.${record.id}`);
      await releasePath(state, tree, record.subDir, key);
      await removeRecord(state, tree, key);
      break;
    case 'archive': {
      const entry = `${key}-${timestamp(new Date())}-${record.id}`;
      const moved = await moveAway(tree, record, state.archive, entry);
      await releasePath(state, tree, record.subDir, key);
      await archiveRecord(state, tree, key, moved ? entry : await earlierEntry(state, tree, record, entry));
      break;
    }
    case 'retain':
      await releasePath(state, tree, record.subDir, key);
      await removeRecord(state, tree, key);
      break;
  }
  return { kind: 'gone', record };
}

/** Renames the volume's directory; false where it is gone, moved by an earlier try. */
async function moveAway(tree: Tree, record: VolumeRecord, to: Dir, name: string): Promise<boolean> {
  try {
    await atPlace(tree, record.subDir, { make: false }, async (place) => {
      try {
        await tree.rename(place.parent, place.name, to, name);
      } catch (error) {
        // Something by that name is there, of an earlier try; both are kept.
        if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
        await tree.rename(place.parent, place.name, to, `${name}.${temporaryName()}`);
      }
      await tree.sync(to, place.parent);
    });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The name under which an earlier try archived the directory; its time is not now. */
async function earlierEntry(
  state: State,
  tree: Tree,
  { id }: VolumeRecord,
  fallback: string,
): Promise<string> {
  const names = await tree.list(state.archive, '.');
  return names.find((name) => name.endsWith(`-${id}`)) ?? fallback;
}

/** Keeps the record beside the archived directory: it says what the entry was. */
async function archiveRecord(state: State, tree: Tree, key: string, entry: string): Promise<void> {
  try {
    await tree.rename(state.volumes, key, state.archive, `${entry}.record`);
    await tree.sync(state.archive);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** For a file name: 20261121T104500Z. */
function timestamp(date: Date): string {
  return `${date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '')}`;
}
