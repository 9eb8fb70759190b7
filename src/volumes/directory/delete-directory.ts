import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Dir, Tree } from '../../pools/tree.ts';
import { endShare } from '../snapshots/snapshot-records.ts';
import { archiveEntry } from '../state/archive-entry.ts';
import {
  type Aside,
  archiveAside,
  begunAt,
  isStillAside,
  listAside,
  putBack,
  setAside,
} from '../state/aside.ts';
import { attachedNodes } from '../state/attachments.ts';
import { atPlace } from '../state/beneath.ts';
import { isLasting } from '../state/lasting.ts';
import { claimedBy, hasClaim, ownerOf, releasePath } from '../state/path-claims.ts';
import { endOf, type VolumeRecord } from '../state/record.ts';
import { readRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { directoryExists } from './directory.ts';
import { moveOrMakeMovable } from './move-directory.ts';
import { removeUnrecorded } from './unrecorded.ts';

export type Deletion =
  | { readonly kind: 'absent' }
  | { readonly kind: 'attached'; readonly nodes: readonly string[] }
  /** An earlier try had given it up already. */
  | { readonly kind: 'kept' }
  /** `forgetAside` is still to be called, at leisure. */
  | { readonly kind: 'gone'; readonly aside: Aside };

/**
 * Deletes a directory volume: its record is set aside, so that nobody finds or attaches it any more; then its
 * directory goes to the trash or the archive, or stays, in one rename. Killed in between, a retry finds the record
 * aside and goes on. What is in the trash is removed later, in the background.
 */
export async function deleteDirectory(state: State, tree: Tree, key: string): Promise<Deletion> {
  const aside = await setAside(state, tree, key);
  if (aside !== undefined) return remove(state, tree, aside);
  const [begun] = await listAside(state, tree, key);
  if (begun !== undefined) return resumeDeletion(state, tree, begun);
  return { kind: 'absent' };
}

/**
 * Deletes a volume, also one that is not complete yet: what a killed CreateVolume has left of it goes, and `cancel` ends
 * the copy that is to become it.
 */
export async function deleteVolume(
  state: State,
  tree: Tree,
  key: string,
  cancel: () => Promise<void>,
): Promise<Deletion> {
  const deletion = await deleteDirectory(state, tree, key);
  if (deletion.kind !== 'absent') return deletion;
  await cancel();
  // It may have been published just before.
  const again = await deleteDirectory(state, tree, key);
  if (again.kind === 'absent') await removeUnrecorded(state, tree, key);
  return again;
}

/** Goes on with a deletion that was begun and cut off. */
export async function resumeDeletion(state: State, tree: Tree, aside: Aside): Promise<Deletion> {
  const { key, record } = aside;
  const later = await readRecord(state, tree, key);
  if (later?.id === record.id && (await directoryExists(tree, record.subDir))) {
    // Put back by a call that was killed before it had taken away what was set aside.
    await putBack(state, tree, aside);
    return { kind: 'kept' };
  }
  if (await isMoved(state, tree, aside)) {
    if (endOf(record) === 'archive') await archiveRecord(state, tree, aside);
    return { kind: 'gone', aside };
  }
  if (endOf(record) !== 'retain') await refuseNewer(state, tree, aside);
  return remove(state, tree, aside, { attachable: later === undefined });
}

/** Whether the directory is another volume's by now: then an earlier try has moved this one's away. */
async function isMoved(state: State, tree: Tree, { key, record }: Aside): Promise<boolean> {
  const { subDir } = record;
  if (hasClaim(subDir, key) && (await claimedBy(state, tree, subDir)) !== key) return true;
  const owner = await ownerOf(state, tree, subDir);
  return owner !== undefined && (owner !== key || (await readRecord(state, tree, key))?.id !== record.id);
}

async function remove(
  state: State,
  tree: Tree,
  aside: Aside,
  // The attachments of a later volume of this name are none of the earlier one's.
  { attachable = true }: { readonly attachable?: boolean } = {},
): Promise<Deletion> {
  const { key, record } = aside;
  const nodes = attachable ? await attachedNodes(state, tree, key) : [];
  if (nodes.length > 0) {
    await putBack(state, tree, aside);
    return { kind: 'attached', nodes };
  }
  // Another controller may have gone on with it, and the directory may be a later volume's by now.
  if (!(await isStillAside(state, tree, aside))) return { kind: 'gone', aside };
  let entry: string | undefined;
  try {
    entry = await moveOn(state, tree, aside);
  } catch (error) {
    // The directory cannot be moved, and no retry changes that by itself: a volume that is there has to be found.
    if (isLasting(error)) await putBack(state, tree, aside);
    throw error;
  }
  await releasePath(state, tree, record.subDir, key);
  if (endOf(record) === 'archive') await archiveRecord(state, tree, aside, entry);
  if (record.shared !== undefined && record.from !== undefined)
    await endShare(state, tree, { data: record.shared, id: record.id, key }, record.from.key);
  return { kind: 'gone', aside };
}

/** Moves the directory to where it belongs now, and says under which name, if no earlier try has done so. */
async function moveOn(state: State, tree: Tree, { key, record }: Aside): Promise<string | undefined> {
  const end = endOf(record);
  if (end === 'retain') return undefined;
  const [to, name] =
    end === 'delete' ? [state.trash, `${key}.${record.id}`] : [state.archive, archiveEntry(key, record)];
  return (await moveAway(tree, record, to, name)) ? name : undefined;
}

/** Puts the record beside the archived directory; the time in its name is that of the try that has moved it. */
async function archiveRecord(state: State, tree: Tree, aside: Aside, moved?: string): Promise<void> {
  const { key, record } = aside;
  const entry = moved ?? (await tree.list(state.archive, '.')).find((name) => name.endsWith(`-${record.id}`));
  await archiveAside(state, tree, aside, entry ?? archiveEntry(key, record));
}

/**
 * The directory may have been moved away by the call that was cut off, and another one made in its place since:
 * throws FAILED_PRECONDITION where it was made or changed after the deletion began.
 */
async function refuseNewer(state: State, tree: Tree, aside: Aside): Promise<void> {
  const { subDir } = aside.record;
  try {
    const changedAt = await atPlace(
      tree,
      subDir,
      { make: false },
      async ({ parent, name }) => (await tree.lstat(parent, name)).ctimeNs,
    );
    if (changedAt <= (await begunAt(state, tree, aside))) return;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'directory-changed',
    `The volume ${aside.key} cannot be deleted to the end: its directory ${subDir} was made or changed after an earlier try was cut off, so it may be somebody else's; look at it and move it away, then repeat the call.`,
  );
}

/** Renames the volume's directory; false where it is not there. */
async function moveAway(tree: Tree, record: VolumeRecord, to: Dir, name: string): Promise<boolean> {
  try {
    await atPlace(tree, record.subDir, { make: false }, async (place) => {
      await moveOrMakeMovable(tree, place, to, name);
      await tree.sync(to, place.parent);
    });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
