import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { isKey } from '../volume-id.ts';
import { decodeRecord, encodeRecord, type VolumeRecord } from './record.ts';
import { type State, stateDirMode } from './state.ts';

/**
 * The records of a pool's volumes: `.berth/volumes/<key>` is a symbolic link whose target is the record, since
 * that is exclusive, atomic and, on NFS, durable in a single round trip. Beside it are claims on its next revision,
 * `,<key>.<id>.<revision>`, and it lies at `,<key>.<id>.deleting` while the volume is deleted (see aside.ts).
 */

/** Begins the name of what is no record yet, or none any more; no key begins so. */
const claimMark = ',';
const asideMark = '.deleting';

/** Where a record lies while its volume is deleted. */
export function asideName(key: string, id: string): string {
  return `${claimMark}${key}.${id}${asideMark}`;
}

/** Key and id of a record that was set aside, by its name; undefined for other names. */
export function readAsideName(name: string): { readonly key: string; readonly id: string } | undefined {
  const [, key, id] = /^,(.+)\.([A-Za-z0-9_-]{8})\.deleting$/.exec(name) ?? [];
  return key === undefined || id === undefined || !isKey(key) ? undefined : { key, id };
}

/** The keys of the records, by the names in their folder; in no order. */
export function recordKeys(names: readonly string[]): string[] {
  // Claims, attachments, and what else may lie there: .nfs files of a server, somebody's notes.
  return names.filter(isKey);
}

/** Reads a record; undefined where there is none. An unreadable one is an error that names the file. */
export function readRecord(state: State, tree: Tree, key: string): Promise<VolumeRecord | undefined> {
  return readRecordAt(state, tree, key);
}

/**
 * The same, and never from what an NFS client remembers, for a second, of the folder: a change of that, if only of its
 * mode to what it is, has it look anew.
 */
export async function readRecordAnew(
  state: State,
  tree: Tree,
  key: string,
): Promise<VolumeRecord | undefined> {
  await tree.setMode(state.volumes, stateDirMode);
  return readRecordAt(state, tree, key);
}

/** Reads a record that lies under another name than its key. */
export async function readRecordAt(
  state: State,
  tree: Tree,
  name: string,
): Promise<VolumeRecord | undefined> {
  let text: string;
  try {
    text = await tree.readlink(state.volumes, name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'EINVAL')) throw unreadable(name, error);
    throw error;
  }
  const record = decodeRecord(text);
  if (record === undefined) throw unreadable(name);
  return record;
}

/** Makes a record; false where there is one by that key already. */
export function createRecord(state: State, tree: Tree, key: string, record: VolumeRecord): Promise<boolean> {
  return linkExclusively(state, tree, key, encodeRecord(record));
}

/**
 * Changes a record, also while another controller changes it: nothing is lost and nothing torn. The next
 * revision is claimed by an exclusive link beside it, which is then renamed over the record; who finds a claim
 * that was left behind finishes it first. The claim is made in the same folder, since its making tells an NFS
 * client whether others changed the folder, and so whether the record it remembers is the current one. Returns the
 * record as it is afterwards, undefined where there is none.
 */
export async function updateRecord(
  state: State,
  tree: Tree,
  key: string,
  change: (record: VolumeRecord) => VolumeRecord,
): Promise<VolumeRecord | undefined> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const record = await readRecord(state, tree, key);
    if (record === undefined) return undefined;
    const changed = change(record);
    if (changed === record) return record;
    const next = { ...changed, revision: record.revision + 1 };
    const claim = claimOnNext(key, record);
    const claimed = await linkExclusively(state, tree, claim, encodeRecord(next));
    const current = await readRecord(state, tree, key);
    if (current?.id !== record.id || current.revision !== record.revision) {
      // Somebody was faster, and this claim is on a revision of the past.
      if (claimed) await unlinkIfThere(state, tree, claim);
      continue;
    }
    await applyClaim(state, tree, claim, key);
    // A deletion that was begun in between does not know of the change, and removes it with the volume.
    const aside = await readRecordAt(state, tree, asideName(key, record.id));
    if (aside !== undefined) throw busy(key);
    if (!claimed) continue;
    // And one that was given up meanwhile may have put back the record from before the change.
    const now = await readRecord(state, tree, key);
    if (now?.id !== record.id || now.revision < next.revision) throw busy(key);
    // A claim of that name was made before, and was another one's.
    if (now.revision === next.revision && encodeRecord(now) !== encodeRecord(next)) continue;
    return next;
  }
  throw busy(key);
}

function busy(key: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being changed by others at the same time; repeat the call.`,
  );
}

/**
 * The name of a claim. The record's own id is in it, so that a claim on an earlier volume of this name is never
 * applied.
 */
export function claimOnNext(key: string, { id, revision }: VolumeRecord): string {
  return `${claimMark}${key}.${id}.${revision + 1}`;
}

async function linkExclusively(state: State, tree: Tree, name: string, text: string): Promise<boolean> {
  try {
    await tree.symlink(state.volumes, name, text);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  await tree.sync(state.volumes);
  return true;
}

async function applyClaim(state: State, tree: Tree, claim: string, key: string): Promise<void> {
  try {
    await tree.rename(state.volumes, claim, state.volumes, key);
    await tree.sync(state.volumes);
  } catch (error) {
    // Another controller applied it already.
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** Removes a link from the folder of the records. */
export async function unlinkIfThere(state: State, tree: Tree, name: string): Promise<void> {
  await ignoring(tree.unlink(state.volumes, name), 'ENOENT');
}

/** A name that nothing else uses, for what is made aside. */
export function temporaryName(): string {
  return `tmp-${randomBytes(9).toString('base64url')}`;
}

function unreadable(name: string, cause?: unknown): CsiError {
  return new CsiError(
    status.INTERNAL,
    'record-unreadable',
    `The record .berth/volumes/${name} of a volume cannot be read: it is not one that this version of Berth wrote. Restore it from a backup; nothing was changed.`,
    { cause },
  );
}
