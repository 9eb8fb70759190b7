import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Dir, Tree } from '../pools/tree.ts';
import { attachedNodes } from './attachments.ts';
import { atPlace } from './beneath.ts';
import { releasePath } from './path-claims.ts';
import type { VolumeRecord } from './record.ts';
import {
  archiveAside,
  putBack,
  readAside,
  readRecord,
  setAside,
  setAsideAt,
  temporaryName,
} from './records.ts';
import type { State } from './state.ts';
import { removeUnrecorded } from './unrecorded.ts';

export type Deletion =
  | { readonly kind: 'absent' }
  | { readonly kind: 'attached'; readonly nodes: readonly string[] }
  /** `forgetAside` is still to be called, at leisure. */
  | { readonly kind: 'gone'; readonly record: VolumeRecord };

/**
 * Deletes a directory volume: its record is set aside, so that nobody finds or attaches it any more; then its
 * directory goes to the trash or the archive, or stays, in one rename. Killed in between, a retry finds the record
 * aside and goes on. What is in the trash is removed later, in the background.
 */
export async function deleteDirectory(state: State, tree: Tree, key: string): Promise<Deletion> {
  // Read before, so that a record that cannot be read stays where it is.
  const isThere = (await readRecord(state, tree, key)) !== undefined;
  if (isThere && (await setAside(state, tree, key))) return remove(state, tree, key, { resumed: false });
  const deletion = await resumeDeletion(state, tree, key);
  if (deletion.kind === 'absent') await removeUnrecorded(state, tree, key);
  return deletion;
}

/** Goes on with a deletion that was begun and cut off; `absent` where none was. */
export function resumeDeletion(state: State, tree: Tree, key: string): Promise<Deletion> {
  return remove(state, tree, key, { resumed: true });
}

async function remove(
  state: State,
  tree: Tree,
  key: string,
  { resumed }: { readonly resumed: boolean },
): Promise<Deletion> {
  // Another controller may have changed it since it was read; what was set aside changes no more.
  const record = await readAside(state, tree, key);
  if (record === undefined) return { kind: 'absent' };
  const nodes = await attachedNodes(state, tree, key);
  if (nodes.length > 0) {
    await putBack(state, tree, key);
    return { kind: 'attached', nodes };
  }
  if (resumed && record.onDelete !== 'retain') await refuseNewer(state, tree, key, record);
  switch (record.onDelete) {
    case 'delete':
      await moveAway(tree, record, state.trash, `${key}.${record.id}`);
      await releasePath(state, tree, record.subDir, key);
      break;
    case 'archive': {
      const entry = `${key}-${timestamp(new Date())}-${record.id}`;
      const moved = await moveAway(tree, record, state.archive, entry);
      await releasePath(state, tree, record.subDir, key);
      await archiveAside(state, tree, key, moved ? entry : await earlierEntry(state, tree, record, entry));
      break;
    }
    case 'retain':
      await releasePath(state, tree, record.subDir, key);
      break;
  }
  return { kind: 'gone', record };
}

/**
 * The directory may have been moved away by the call that was cut off, and another one made in its place since:
 * throws FAILED_PRECONDITION where it was made or changed after the deletion began.
 */
async function refuseNewer(state: State, tree: Tree, key: string, { subDir }: VolumeRecord): Promise<void> {
  let changedAt: bigint;
  try {
    changedAt = await atPlace(
      tree,
      subDir,
      { make: false },
      async ({ parent, name }) => (await tree.lstat(parent, name)).ctimeNs,
    );
    if (changedAt <= (await setAsideAt(state, tree, key))) return;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'directory-changed',
    `The volume ${key} cannot be deleted to the end: its directory ${subDir} was made or changed after an earlier try was cut off, so it may be somebody else's; look at it and move it away, then repeat the call.`,
  );
}

/** Renames the volume's directory; false where it is gone, moved by an earlier try. */
async function moveAway(tree: Tree, record: VolumeRecord, to: Dir, name: string): Promise<boolean> {
  try {
    await atPlace(tree, record.subDir, { make: false }, async (place) => {
      try {
        await tree.rename(place.parent, place.name, to, name);
      } catch (error) {
        // Something by that name is there already; both are kept.
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

/** For a file name: 20261121T104500Z. */
function timestamp(date: Date): string {
  return `${date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '')}`;
}
