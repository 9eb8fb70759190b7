import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Named, Tree } from '../../pools/tree.ts';
import { atPlace, type Place } from '../state/beneath.ts';
import {
  forgetLeft,
  isItsOwn,
  isLeftBehind,
  type LeftBehind,
  leaveAnew,
  takeBack,
  type WantedAttachment,
} from '../state/left-behind.ts';
import { imageVersion, newRecordId, type VolumeRecord } from '../state/record.ts';
import { readRecord, readRecordAnew, updateRecord } from '../state/records.ts';
import { settledMs } from '../state/settled.ts';
import type { State } from '../state/state.ts';
import { imageIn, imageName, isImageName, newCopyName } from '../sub-dir.ts';
import { copyImage, statAnew } from './copy-image.ts';

/** An image that another file has taken the place of. */
export interface Replaced {
  /** The node that was taken the volume. */
  readonly nodeId: string;
  /** Blank: its making was cut off. */
  readonly how: 'blank' | 'cloned' | 'copied';
  readonly bytes: bigint;
  readonly seconds: number;
}

/**
 * Fencing by replacement. A node that was given up may still be alive behind a cut cable, with writes under way; its
 * attachment is left behind (attachment-folder.ts). Before the volume goes to another node its file is replaced by a
 * copy, made on the server where that can share blocks. What the old node still writes goes to a file that is the
 * volume's no more; nothing on that node has to cooperate.
 *
 * Controllers may do this at the same time, or hours late, after a long copy. So the record decides, by its next
 * revision: a copy becomes the volume's file only if the record still names the file that was copied, and the node that
 * has that one did not get the volume back meanwhile. And what was left behind goes only once its file is the volume's
 * no more. The names of files and of what is left are random, and never come back.
 */
export async function settleLeft(
  state: State,
  tree: Tree,
  key: string,
  left: LeftBehind,
  wanted: WantedAttachment,
  onReplaced: (event: Replaced) => void = () => {},
): Promise<void> {
  // Read after what was left was seen: a version that it does not name any more is past for good.
  const record = await readRecordAnew(state, tree, key);
  if (record?.image === undefined) throw beingDeleted(key);
  if (left.attachment.version !== imageVersion(record)) return forgetLeft(state, tree, key, left);
  if (isItsOwn(left, wanted)) return giveBack(state, tree, key, left);
  // That was about to be given back to its node: whoever is doing it is not to succeed any more.
  if (isKept(record, left)) return leaveAnew(state, tree, key, left);
  return replace(state, tree, { key, record }, left, onReplaced);
}

/** Its node may have it mounted all the time, and nobody tells it. So the file stays, and the node has it as before. */
async function giveBack(state: State, tree: Tree, key: string, left: LeftBehind): Promise<void> {
  const kept = await updateRecord(state, tree, key, (current) =>
    current.image === undefined || isKept(current, left) || imageVersion(current) !== left.attachment.version
      ? current
      : { ...current, image: { ...current.image, kept: `${left.id}.${newRecordId()}` } },
  );
  if (kept !== undefined && isKept(kept, left)) await takeBack(state, tree, key, left);
}

/** What a call puts there has a random part of its own, so that no late one puts back what was there before. */
function isKept({ image }: VolumeRecord, { id }: LeftBehind): boolean {
  return image?.kept?.startsWith(`${id}.`) === true;
}

async function replace(
  state: State,
  tree: Tree,
  { key, record }: { readonly key: string; readonly record: VolumeRecord },
  left: LeftBehind,
  onReplaced: (event: Replaced) => void,
): Promise<void> {
  const file = newCopyName();
  const startedAt = performance.now();
  const { image, subDir } = record;
  await atPlace(tree, imageIn(subDir, image?.file), { make: false }, async (place) => {
    const { size, how } = await copyBeside(tree, place, file, left.how === 'unmade');
    const changed = await updateRecord(state, tree, key, (current) => {
      const isThis = imageVersion(current) === imageVersion(record) && current.image?.kept === image?.kept;
      // Grown while it was copied.
      if (!isThis || current.image === undefined || current.capacity > size) return current;
      const { kept: _, ...rest } = current.image;
      return { ...current, image: { ...rest, file } };
    });
    const isReplaced = changed?.image?.file === file;
    await ignoring(tree.unlink(place.parent, isReplaced ? place.name : file), 'ENOENT');
    if (changed === undefined) throw beingDeleted(key);
    if (!isReplaced) return;
    const seconds = (performance.now() - startedAt) / 1000;
    onReplaced({ nodeId: left.attachment.nodeId, how, bytes: size, seconds });
    await forgetLeft(state, tree, key, left);
    if (how === 'copied') throw copied();
  });
}

/**
 * Removes what calls that were cut off have left beside an image, once nobody can be at work on it any more: a copy
 * becomes the image only as long as something is left behind.
 */
export async function sweepImages(
  state: State,
  tree: Tree,
  key: string,
  olderThanMs = settledMs,
): Promise<void> {
  const before = await readRecord(state, tree, key);
  if (before?.image === undefined) return;
  await atPlace(tree, imageIn(before.subDir), { make: false }, async ({ parent }) => {
    const names = (await tree.list(parent, '.')).filter(isImageName);
    if (await isLeftBehind(state, tree, key)) return;
    const record = await readRecord(state, tree, key);
    if (record?.id !== before.id || record.image === undefined) return;
    const current = record.image.file ?? imageName;
    // Nothing is removed where the image itself is missing: one of them may be all that is left of it.
    if (!names.includes(current)) return;
    for (const name of names.filter((each) => each !== current)) {
      const { ctimeMs } = await tree.lstat(parent, name);
      if (Date.now() - Number(ctimeMs) >= olderThanMs) await ignoring(tree.unlink(parent, name), 'ENOENT');
    }
  });
}

/** Returns the copy's size in bytes, and how it was made. */
async function copyBeside(
  tree: Tree,
  { parent, name }: Place,
  copy: string,
  blank: boolean,
): Promise<{ readonly size: bigint; readonly how: Replaced['how'] }> {
  const [image, made] = [
    { dir: parent, name },
    { dir: parent, name: copy },
  ];
  const before = await statAnew(tree, image);
  try {
    if (blank) await makeBlank(tree, made, before.size);
    const how = blank ? 'blank' : await copyImage(tree, image, made);
    if (how === 'changed') throw stillWriting();
    return { size: (await statAnew(tree, made)).size, how };
  } catch (error) {
    await tree.unlink(parent, copy).catch(() => {});
    throw isFull(error) ? noRoom(before.size, error) : error;
  }
}

async function makeBlank(tree: Tree, { dir, name }: Named, size: bigint): Promise<void> {
  const file = await tree.makeFile(dir, name, 0o600);
  try {
    await tree.setSize(file, size);
    await tree.sync(file, dir);
  } finally {
    tree.close(file);
  }
}

function beingDeleted(key: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being deleted at the same time; repeat the call.`,
  );
}

function isFull(error: unknown): boolean {
  return isErrno(error, 'ENOSPC', 'EDQUOT');
}

function noRoom(size: bigint, cause: unknown): CsiError {
  return new CsiError(
    status.RESOURCE_EXHAUSTED,
    'pool-full',
    `The volume was taken by force from a node that may still write to it, so its image of ${size} bytes has to be copied before another node gets it, and the pool has no room for that; free some, or have that node back.`,
    { cause },
  );
}

/** That took long: whoever asked for it may want the volume no more. */
function copied(): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-copied',
    'The volume was taken by force from a node that may still write to it, so its image was copied, which is done; repeat the call to attach it.',
  );
}

function stillWriting(): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-still-written',
    'The image of the volume was written to while it was copied, by the node that it was taken from; make sure that that node is off or cut off, then repeat the call.',
  );
}
