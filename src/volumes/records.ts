import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Tree } from '../pools/tree.ts';
import { decodeRecord, encodeRecord, type VolumeRecord } from './record.ts';
import type { State } from './state.ts';
import { isKey } from './volume-id.ts';

/**
 * The records of a pool's volumes: `.berth/volumes/<key>` is a symbolic link whose target is the record, since
 * that is exclusive, atomic and, on NFS, durable in a single round trip.
 */

/** Begins the name of a claim; no key begins so. */
const claimMark = ',';

/** The keys of all records of a pool, in no order. */
export async function listKeys(state: State, tree: Tree): Promise<string[]> {
  const names = await tree.list(state.volumes, '.');
  // Claims, and what else may lie there: .nfs files of a server, somebody's notes.
  return names.filter(isKey);
}

/** Reads a record; undefined where there is none. An unreadable one is an error that names the file. */
export async function readRecord(state: State, tree: Tree, key: string): Promise<VolumeRecord | undefined> {
  let text: string;
  try {
    text = await tree.readlink(state.volumes, key);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'EINVAL')) throw unreadable(key, error);
    throw error;
  }
  const record = decodeRecord(text);
  if (record === undefined) throw unreadable(key);
  return record;
}

/** Makes a record; false where there is one by that key already. */
export async function createRecord(
  state: State,
  tree: Tree,
  key: string,
  record: VolumeRecord,
): Promise<boolean> {
  try {
    await tree.symlink(state.volumes, key, encodeRecord(record));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Puts down that a volume's directory is made; done by another controller meanwhile is as well. */
export async function finishRecord(
  state: State,
  tree: Tree,
  key: string,
  record: VolumeRecord,
): Promise<VolumeRecord> {
  const finished = { ...record, ready: true };
  const aside = `${claimMark}${key}.${record.id}.ready`;
  await claimRevision(state, tree, aside, encodeRecord(finished));
  await applyClaim(state, tree, aside, key);
  return finished;
}

export async function removeRecord(state: State, tree: Tree, key: string): Promise<void> {
  try {
    await tree.unlink(state.volumes, key);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  await tree.sync(state.volumes);
}

/**
 * Changes a record, also while another controller changes it: nothing is lost and nothing torn. The next
 * revision is claimed by an exclusive link beside it, which is then renamed over the record; who finds a claim
 * that was left behind finishes it first. The claim is made in the same folder, since its making tells an NFS
 * client whether others changed the folder, and so whether the record it remembers is the current one. Returns the record as it is afterwards, undefined where there is none.
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
    // The record's own id is in the name, so that a claim on an earlier volume of this name is never applied.
    const claim = `${claimMark}${key}.${record.id}.${next.revision}`;
    const claimed = await claimRevision(state, tree, claim, encodeRecord(next));
    const current = await readRecord(state, tree, key);
    if (current?.id !== record.id || current.revision !== record.revision) {
      // Somebody was faster, and this claim is on a revision of the past.
      if (claimed) await forgetClaim(state, tree, claim);
      continue;
    }
    await applyClaim(state, tree, claim, key);
    if (claimed) return next;
  }
  throw new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being changed by others at the same time; repeat the call.`,
  );
}

async function claimRevision(state: State, tree: Tree, claim: string, text: string): Promise<boolean> {
  try {
    await tree.symlink(state.volumes, claim, text);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
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

async function forgetClaim(state: State, tree: Tree, claim: string): Promise<void> {
  try {
    await tree.unlink(state.volumes, claim);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** A name that nothing else uses, for what is made aside. */
export function temporaryName(): string {
  return `tmp-${randomBytes(9).toString('base64url')}`;
}

function unreadable(key: string, cause?: unknown): CsiError {
  return new CsiError(
    status.INTERNAL,
    'record-unreadable',
    `The record .berth/volumes/${key} of the volume cannot be read: it is not one that this version of Berth wrote. Restore it from a backup; nothing was changed.`,
    { cause },
  );
}
