import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Tree } from '../pools/tree.ts';
import { attachmentsOf } from './attachments.ts';
import { readRecord } from './records.ts';
import type { State } from './state.ts';
import { keyOf } from './volume-id.ts';

/**
 * Which directory belongs to which volume, for the check that no volume lies inside another. A volume whose
 * directory is named as its key needs no claim: its record is found by that name. Others have a symbolic link
 * `.berth/paths/<hash of the directory>` whose target is the key.
 */

function claimName(subDir: string): string {
  return createHash('sha256').update(subDir).digest('hex').slice(0, 40);
}

/** Puts down that this directory is the volume's; before the directory is made. */
export async function claimPath(state: State, tree: Tree, subDir: string, key: string): Promise<void> {
  if (subDir === key) return;
  try {
    await tree.symlink(state.paths, claimName(subDir), key);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    // Left by a volume that is gone, or there since an earlier try: the record decides (see ownerOf).
    const claimant = await claimedBy(state, tree, subDir);
    if (claimant === key) return;
    const owner = await ownerOf(state, tree, subDir);
    if (owner !== undefined && owner !== key) throw taken(subDir, owner);
    if (claimant !== undefined) await releasePath(state, tree, subDir, claimant);
    await tree.symlink(state.paths, claimName(subDir), key);
  }
  await tree.sync(state.paths);
}

export async function releasePath(state: State, tree: Tree, subDir: string, key: string): Promise<void> {
  if (subDir === key || (await claimedBy(state, tree, subDir)) !== key) return;
  try {
    await tree.unlink(state.paths, claimName(subDir));
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/**
 * Throws ALREADY_EXISTS where a directory above this one is another volume's. Called after the directory was
 * made: whoever makes a volume of a directory above has put down its claim before, or fails to make it.
 * Nothing can be below a directory that was just made, so that is the whole check.
 */
export async function refuseInsideOther(state: State, tree: Tree, subDir: string): Promise<void> {
  const parts = subDir.split('/');
  for (let length = 1; length < parts.length; length += 1) {
    const above = parts.slice(0, length).join('/');
    const owner = await ownerOf(state, tree, above);
    if (owner !== undefined) throw taken(subDir, owner);
  }
  if (parts.length === 1) return;
  // Static volumes have no record: they are known while they are attached.
  const folders = await tree.list(state.attachments, '.');
  for (const folder of folders.filter((name) => name.startsWith('@'))) {
    for (const { subDir: other, handle } of await attachmentsOf(state, tree, folder)) {
      if (other !== undefined && subDir.startsWith(`${other}/`)) throw taken(subDir, handle ?? other);
    }
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

async function claimedBy(state: State, tree: Tree, subDir: string): Promise<string | undefined> {
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
