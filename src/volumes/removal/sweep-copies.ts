import { ignoring } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { cancelLock, isCancelled, isClaim, isCopyName, moveAway, readLocks } from '../copies/copy-lock.ts';
import type { SilenceWatch } from '../copies/silence-watch.ts';
import { notedKey, removeNoted } from '../directory/placed-copy.ts';
import { sharedData, sweepShares } from '../snapshots/shares.ts';
import { isUnreadable, moveDataAway, readSnapshotAnew, snapshotKeys } from '../snapshots/snapshot-records.ts';
import { readRecordAnew } from '../state/records.ts';
import { isOlder, settledMs } from '../state/settled.ts';
import type { State } from '../state/state.ts';

/**
 * Moves away what killed controllers have left of copies, once nobody can be at work on it any more. A job whose owner
 * has shown no life since an earlier sweep, and that nobody has asked for again, is ended.
 */
export async function sweepCopies(
  state: State,
  tree: Tree,
  silence: SilenceWatch,
  olderThanMs: number = settledMs,
): Promise<void> {
  // Listed before the locks are read: a copy is made after its lock.
  const names = await tree.list(state.copies, '.');
  const locks = await readLocks(state, tree);
  const isOld = (name: string) => isOlder(tree, state.copies, name, olderThanMs);
  for (const [job, lock] of locks) {
    if (!isCancelled(lock)) {
      if (silence.isSilent(job, lock)) await cancelLock(state, tree, job);
    } else if (await isOld(job)) await ignoring(tree.unlink(state.copies, job), 'ENOENT');
  }
  const copies = new Set([...locks.values()].map(({ copy }) => copy));
  for (const name of names) {
    const isLeft = isCopyName(name) ? !copies.has(name) : isClaim(name) || notedKey(name) !== undefined;
    if (!isLeft || !(await isOld(name))) continue;
    if (isCopyName(name)) await moveAway(state, tree, name);
    else if (isClaim(name)) await ignoring(tree.unlink(state.copies, name), 'ENOENT');
    else await sweepPlaced(state, tree, notedKey(name) ?? '');
  }
  await sweepShares(state, tree, olderThanMs);
  await sweepSnapshotData(state, tree, olderThanMs);
}

async function sweepPlaced(state: State, tree: Tree, key: string): Promise<void> {
  // Where there is a record, the directory is a volume's.
  const isRecorded = (await readRecordAnew(state, tree, key)) !== undefined;
  await removeNoted(state, tree, key, { isRecorded });
}

/** What is of no snapshot, and served to no volume: its record could not be made, or was removed before it. */
async function sweepSnapshotData(state: State, tree: Tree, olderThanMs: number): Promise<void> {
  const data = (await tree.list(state.snapshots, '.')).filter(isCopyName);
  const keys = await snapshotKeys(state, tree);
  if (data.length <= keys.length) return;
  const used = new Set<string>();
  try {
    for (const key of keys) {
      const record = await readSnapshotAnew(state, tree, key);
      if (record !== undefined) used.add(record.data);
    }
  } catch (error) {
    // Any of them may be that one's.
    if (isUnreadable(error)) return;
    throw error;
  }
  // After the records: whoever makes a share looks at the record then (snapshots/shares.ts).
  for (const name of await sharedData(state, tree)) used.add(name);
  for (const name of data.filter((each) => !used.has(each))) {
    if (await isOlder(tree, state.snapshots, name, olderThanMs)) await moveDataAway(state, tree, name);
  }
}
