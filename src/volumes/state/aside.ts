import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { archiveRecordName } from './archive-entry.ts';
import { forgetLeftOf } from './left-behind.ts';
import type { VolumeRecord } from './record.ts';
import {
  asideName,
  claimOnNext,
  createRecord,
  readAsideName,
  readRecord,
  readRecordAt,
  unlinkIfThere,
} from './records.ts';
import type { State } from './state.ts';

/**
 * A record that was set aside, since its volume is being deleted: from then on nobody finds or attaches the volume,
 * and whoever comes after a crash knows what is to be done. The id is in the name, so that a later volume of the same
 * name does not get in the way.
 */
export interface Aside {
  readonly key: string;
  /** Of the link, beside the records. */
  readonly name: string;
  readonly record: VolumeRecord;
}

/**
 * Sets a record aside, exclusively, and gives it: undefined where there is none. An unreadable one stays where it is.
 * What another controller has made of it since it was read last is seen: a link is never changed, only replaced by
 * another one, and comparing the two costs less than reading anew.
 */
export async function setAside(state: State, tree: Tree, key: string): Promise<Aside | undefined> {
  try {
    const before = await tree.lstat(state.volumes, key);
    const record = await readRecord(state, tree, key);
    if (record === undefined) return undefined;
    const name = asideName(key, record.id);
    await tree.rename(state.volumes, key, state.volumes, name);
    await tree.sync(state.volumes);
    const { ino, mtimeNs } = await tree.lstat(state.volumes, name);
    if (ino === before.ino && mtimeNs === before.mtimeNs) return { key, name, record };
    const newer = await readRecordAt(state, tree, name);
    if (newer?.id === record.id) return { key, name, record: newer };
    // Deleted and made anew since it was read: that is not the volume to delete.
    if (newer !== undefined) await putBack(state, tree, { key, name, record: newer });
    throw replaced(key);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The deletions that were begun and are not over; of one key, or of all. */
export async function listAside(state: State, tree: Tree, key?: string): Promise<Aside[]> {
  return readAsides(state, tree, await tree.list(state.volumes, '.'), key);
}

/** The same, by the names in the folder of the records. */
export async function readAsides(
  state: State,
  tree: Tree,
  names: readonly string[],
  key?: string,
): Promise<Aside[]> {
  const found: Aside[] = [];
  for (const name of names) {
    const named = readAsideName(name);
    if (named === undefined || (key !== undefined && named.key !== key)) continue;
    const record = await readRecordAt(state, tree, name);
    if (record === undefined) continue;
    const aside = { key: named.key, name, record };
    // One that was taken for another volume's, and whose taker was killed before he saw it.
    if (record.id === named.id) found.push(aside);
    else await putBack(state, tree, aside);
  }
  return found;
}

/** When the deletion was begun, in nanoseconds by the server's clock: a rename counts as a change (rename(2)). */
export async function begunAt(state: State, tree: Tree, { name }: Aside): Promise<bigint> {
  return (await tree.lstat(state.volumes, name)).ctimeNs;
}

/** Whether the deletion is not over yet, by another controller that goes on with it. */
export async function isStillAside(state: State, tree: Tree, aside: Aside): Promise<boolean> {
  try {
    await begunAt(state, tree, aside);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Gives up a deletion that cannot be: the volume is found again. A change that was made of its record meanwhile stays,
 * and so does the record of a later volume of this name, while the one set aside then stays where it is.
 */
export async function putBack(state: State, tree: Tree, aside: Aside): Promise<void> {
  const { key, name, record } = aside;
  try {
    const restored = await createRecord(state, tree, key, record);
    if (!restored && (await readRecord(state, tree, key))?.id !== record.id) return;
    await unlinkIfThere(state, tree, name);
  } catch (error) {
    // A full pool has no room for one more link, and takes a rename; that is not exclusive, hence second.
    if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
    if ((await readRecord(state, tree, key)) === undefined) {
      await tree.rename(state.volumes, name, state.volumes, key);
    }
  }
  await tree.sync(state.volumes);
}

/** Moves the record of a deleted volume beside its archived directory. */
export async function archiveAside(state: State, tree: Tree, { name }: Aside, entry: string): Promise<void> {
  try {
    await tree.rename(state.volumes, name, state.archive, archiveRecordName(entry));
    await tree.sync(state.archive, state.volumes);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/**
 * Forgets a deleted volume. A change of it that another controller has under way meanwhile is stopped first: either
 * its claim goes, so that it cannot be applied, or it has put a record in the place of the one that was set aside.
 */
export async function forgetAside(state: State, tree: Tree, { key, name, record }: Aside): Promise<void> {
  await unlinkIfThere(state, tree, claimOnNext(key, record));
  await forgetLeftOf(state, tree, key, record);
  if ((await readRecord(state, tree, key))?.id === record.id) await unlinkIfThere(state, tree, key);
  await unlinkIfThere(state, tree, name);
  await tree.sync(state.volumes);
}

function replaced(key: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} was deleted and made anew at the same time; repeat the call if it is this one to delete.`,
  );
}
