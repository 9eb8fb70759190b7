import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { moveOrMakeMovable } from '../directory/move-directory.ts';
import { readArchiveRecordName } from '../state/archive-entry.ts';
import { isLasting } from '../state/lasting.ts';
import { decodeRecord, type VolumeRecord } from '../state/record.ts';
import type { State } from '../state/state.ts';

/** What has expired: its name in the archive, and the volume that it was. */
export interface Expired {
  readonly entry: string;
  readonly volume: string;
}

/** What has expired and cannot be moved, and why. */
export interface StuckArchive {
  readonly entry: string;
  readonly error: unknown;
}

/**
 * Moves archived volumes whose time is over to the trash. The directory goes before its record, so that what is killed
 * in between is gone on with. An entry without a record that can be read is kept, and so is one whose record names no
 * time; what was taken out of the archive to be used again is not there any more.
 */
export async function sweepArchive(
  state: State,
  tree: Tree,
  now: number = Date.now(),
): Promise<{ expired: Expired[]; stuck: StuckArchive[] }> {
  const expired: Expired[] = [];
  const stuck: StuckArchive[] = [];
  for (const name of await tree.list(state.archive, '.')) {
    const named = readArchiveRecordName(name);
    if (named === undefined || now < named.archivedMs) continue;
    try {
      const volume = await expiredVolume(state, tree, name, named, now);
      if (volume === undefined) continue;
      if (await moveToTrash(state, tree, named.entry)) expired.push({ entry: named.entry, volume });
      await tree.unlink(state.archive, name);
      await tree.sync(state.archive);
    } catch (error) {
      // Another controller has removed the record.
      if (isErrno(error, 'ENOENT')) continue;
      // One that cannot be moved must not keep the others.
      if (!isLasting(error)) throw error;
      stuck.push({ entry: named.entry, error });
    }
  }
  return { expired, stuck };
}

/** The name of the volume whose record this is, where its time is over. */
async function expiredVolume(
  state: State,
  tree: Tree,
  name: string,
  { id, archivedMs }: { readonly id: string; readonly archivedMs: number },
  now: number,
): Promise<string | undefined> {
  const record = await readArchived(state, tree, name);
  if (record === undefined || record.id !== id || record.archiveTtl === undefined) return undefined;
  // By the server's clock too: that of a controller may have been wrong when it gave the name.
  const { ctimeMs } = await tree.lstat(state.archive, name);
  const since = Math.max(archivedMs, Number(ctimeMs));
  return now - since >= record.archiveTtl * 1_000 ? record.name : undefined;
}

/** Undefined where it is none that this version of Berth wrote. */
async function readArchived(state: State, tree: Tree, name: string): Promise<VolumeRecord | undefined> {
  try {
    return decodeRecord(await tree.readlink(state.archive, name));
  } catch (error) {
    // No symbolic link.
    if (isErrno(error, 'EINVAL')) return undefined;
    throw error;
  }
}

/** False where it is not there: it was taken out, or moved by a call that was killed then. */
async function moveToTrash(state: State, tree: Tree, entry: string): Promise<boolean> {
  try {
    await moveOrMakeMovable(tree, { parent: state.archive, name: entry }, state.trash, entry);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
  await tree.sync(state.trash, state.archive);
  return true;
}
