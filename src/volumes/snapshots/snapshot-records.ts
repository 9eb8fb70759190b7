import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { type State, stateDirMode } from '../state/state.ts';
import { isKey } from '../volume-id.ts';
import { releaseShare, type Share, sharedData } from './shares.ts';
import { decodeSnapshot, encodeSnapshot, type SnapshotRecord } from './snapshot-record.ts';

/** Reads a snapshot's record; undefined where there is none. An unreadable one is an error that names the file. */
export async function readSnapshot(
  state: State,
  tree: Tree,
  key: string,
): Promise<SnapshotRecord | undefined> {
  try {
    const record = decodeSnapshot(await tree.readlink(state.snapshots, key));
    if (record === undefined) throw unreadable(key);
    return record;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'EINVAL')) throw unreadable(key, error);
    throw error;
  }
}

/** The same, and never from what an NFS client remembers of the folder. */
export async function readSnapshotAnew(
  state: State,
  tree: Tree,
  key: string,
): Promise<SnapshotRecord | undefined> {
  await tree.setMode(state.snapshots, stateDirMode);
  return readSnapshot(state, tree, key);
}

/** False where there is one by that key. */
export async function createSnapshotRecord(
  state: State,
  tree: Tree,
  key: string,
  record: SnapshotRecord,
): Promise<boolean> {
  try {
    await tree.symlink(state.snapshots, key, encodeSnapshot(record));
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  await tree.sync(state.snapshots);
  return true;
}

/**
 * Forgets a snapshot, and has what it is of removed in the background, unless volumes are served from it: then that goes
 * with the last of them (endShare). Where this is killed in between it is swept up.
 */
export async function removeSnapshot(
  state: State,
  tree: Tree,
  key: string,
  { data }: SnapshotRecord,
): Promise<void> {
  await ignoring(tree.unlink(state.snapshots, key), 'ENOENT');
  await tree.sync(state.snapshots);
  if (!(await sharedData(state, tree)).has(data)) await moveDataAway(state, tree, data);
}

/**
 * A volume is served from a snapshot no more, which had this key; what of the snapshot was kept for it alone goes. Looked
 * for in the order in which a snapshot is removed: whoever makes a share looks at the record after it.
 */
export async function endShare(state: State, tree: Tree, share: Share, snapshot: string): Promise<void> {
  await releaseShare(state, tree, share);
  // An unreadable record may have this data too.
  const record = await readSnapshotAnew(state, tree, snapshot).catch(orUnreadable);
  if (record === 'unreadable' || record?.data === share.data) return;
  if (!(await sharedData(state, tree)).has(share.data)) await moveDataAway(state, tree, share.data);
}

function orUnreadable(error: unknown): 'unreadable' {
  if (isUnreadable(error)) return 'unreadable';
  throw error;
}

/** Has a snapshot's directory or image removed in the background. */
export async function moveDataAway(state: State, tree: Tree, data: string): Promise<void> {
  await ignoring(tree.rename(state.snapshots, data, state.trash, `snapshot-${data.slice(1)}`), 'ENOENT');
  await tree.sync(state.trash, state.snapshots);
}

/** The keys of a pool's snapshots, sorted. */
export async function snapshotKeys(state: State, tree: Tree): Promise<string[]> {
  return (await tree.list(state.snapshots, '.')).filter(isKey).sort();
}

/** Whether a failure is that a record cannot be read. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof CsiError && error.reason === 'record-unreadable';
}

function unreadable(key: string, cause?: unknown): CsiError {
  return new CsiError(
    status.INTERNAL,
    'record-unreadable',
    `The record .berth/snapshots/${key} of a snapshot cannot be read: it is not one that this version of Berth wrote. Restore it from a backup; nothing was changed.`,
    { cause },
  );
}
