import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { isStaticKey, keyOf } from '../volume-id.ts';
import { readAsides } from './aside.ts';
import { attachedKeys } from './attachment-folder.ts';
import { attachmentsOf } from './attachments.ts';
import { atPlace } from './beneath.ts';
import { readRecord } from './records.ts';
import { settledMs } from './settled.ts';
import type { State } from './state.ts';
import { hasUnrecordedMode } from './unrecorded-mode.ts';

/**
 * Which directory belongs to which volume, for the check that no volume lies inside another. A volume whose
 * directory is named as its key needs no claim: its record is found by that name. Others have a symbolic link
 * `.berth/paths/<hash of the directory>` whose target is the key.
 */

function claimName(subDir: string): string {
  return createHash('sha256').update(subDir).digest('hex').slice(0, 40);
}

/** Whether a volume of this key needs a claim on its directory. */
export function hasClaim(subDir: string, key: string): boolean {
  return subDir !== key;
}

/**
 * Puts down that this directory is the volume's, before it is made. Throws ALREADY_EXISTS where it is another
 * volume's, ABORTED where another one is being made of it.
 */
export async function claimPath(state: State, tree: Tree, subDir: string, key: string): Promise<void> {
  const name = claimName(subDir);
  try {
    await tree.symlink(state.paths, name, key);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const claimant = await claimedBy(state, tree, subDir);
    if (claimant === key) return;
    const owner = await ownerOf(state, tree, subDir);
    if (owner !== undefined) throw taken(subDir, owner);
    // Left by a volume that is gone, or never came to be.
    const { ctimeMs } = await tree.lstat(state.paths, name);
    if (claimant === undefined || Date.now() - Number(ctimeMs) < settledMs) throw inUse(subDir);
    await releasePath(state, tree, subDir, claimant);
    await tree.symlink(state.paths, name, key);
  }
  await tree.sync(state.paths);
}

export async function releasePath(state: State, tree: Tree, subDir: string, key: string): Promise<void> {
  if (!hasClaim(subDir, key) || (await claimedBy(state, tree, subDir)) !== key) return;
  try {
    await tree.unlink(state.paths, claimName(subDir));
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/**
 * Throws ALREADY_EXISTS where this directory, or one above it, is another volume's. Called before the directory is
 * made, so that nothing is made inside another volume, and again afterwards: whoever makes a volume of a directory
 * above meanwhile has either recorded it before, or shows by its mode that he is about to.
 * Nothing can be below a directory that was just made, so that is the whole check.
 */
export async function refuseOtherVolumes(
  state: State,
  tree: Tree,
  subDir: string,
  key: string,
): Promise<void> {
  const parts = subDir.split('/');
  for (let length = 1; length <= parts.length; length += 1) {
    const path = parts.slice(0, length).join('/');
    if (length < parts.length && (await isBeingMade(tree, path))) throw inUse(path);
    const owner = await ownerOf(state, tree, path);
    if (owner !== undefined && (length < parts.length || owner !== key)) throw taken(subDir, owner);
  }
  // One that is being deleted takes along what is made inside it, and keeps its place until it has been moved.
  const names = await tree.list(state.volumes, '.');
  for (const { key: other, record } of await readAsides(state, tree, names)) {
    const above = subDir.startsWith(`${record.subDir}/`);
    const here = subDir === record.subDir && (await claimedBy(state, tree, subDir)) === other;
    if (above || here) throw inUse(record.subDir);
  }
  if (parts.length === 1) return;
  // Static volumes have no record: they are known while they are attached.
  for (const attached of attachedKeys(names).filter(isStaticKey)) {
    for (const { subDir: other, handle } of await attachmentsOf(state, tree, attached)) {
      if (other !== undefined && subDir.startsWith(`${other}/`)) throw taken(subDir, handle ?? other);
    }
  }
}

async function isBeingMade(tree: Tree, path: string): Promise<boolean> {
  try {
    return await atPlace(tree, path, { make: false }, async ({ parent, name }) =>
      hasUnrecordedMode(await tree.lstat(parent, name)),
    );
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The key of the volume whose directory this is, if any. */
export async function ownerOf(state: State, tree: Tree, subDir: string): Promise<string | undefined> {
  const keys = [await claimedBy(state, tree, subDir), keyOf(subDir)];
  for (const key of keys) {
    if (key === undefined) continue;
    const record = await readRecord(state, tree, key);
    if (record?.subDir === subDir) return key;
  }
  return undefined;
}

/** The key of the volume that has a claim on this directory, be there a record of it or not. */
export async function claimedBy(state: State, tree: Tree, subDir: string): Promise<string | undefined> {
  try {
    return await tree.readlink(state.paths, claimName(subDir));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function taken(subDir: string, owner: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'volumes-overlap',
    `The directory ${subDir} is, or lies inside, the directory of the volume ${owner}; volumes never overlap: choose another subDir.`,
  );
}

/** The refusal of a directory that others are at work on. */
export function inUse(subDir: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The directory ${subDir} is being made a volume, or deleted, by another request at the same time; repeat the call.`,
  );
}
