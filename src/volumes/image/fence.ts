import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/node-error.ts';
import type { Dir, Tree } from '../../pools/tree.ts';
import { atPlace, type Place } from '../state/beneath.ts';
import { newRecordId, type VolumeRecord } from '../state/record.ts';
import { readRecord, updateRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { imageIn, imageName, isImageName } from '../sub-dir.ts';

/**
 * Fencing by replacement. A node marks an image before it writes to it, and takes its mark away when it has let go of
 * it. A detach that finds the mark was forced: that node may still be alive behind a cut cable, with writes under way. So
 * it is put down in the volume's record, and before the volume goes to another node its file is replaced by a copy, made
 * on the server where that can share blocks. What the old node still writes goes to a file that is the volume's no more;
 * nothing on that node has to cooperate.
 *
 * The record says which file is the volume's, and changes only from the one that was copied: of two controllers that
 * copy at the same time the second finds another file there, and throws its copy away. So no copy ever takes the place
 * of a file that a node writes to already.
 */
export interface Fence {
  /** Random; tells this one from an earlier or later one. */
  readonly id: string;
  /** Whose mark was left. */
  readonly nodeId: string;
  /** That node was making the filesystem: there is nothing to be kept. */
  readonly blank: boolean;
}

/** Puts down that a node was detached by force; a fence that is there already stays. */
export async function putUpFence(state: State, tree: Tree, key: string, fence: Fence): Promise<void> {
  await updateRecord(state, tree, key, (current) =>
    current.image === undefined || current.image.fence !== undefined
      ? current
      : { ...current, image: { ...current.image, fence } },
  );
}

/**
 * To be called once a volume is attached to a node, before anybody is told: sees to it that no other node can write to
 * its image. May take long where the server cannot share blocks. Returns the record as it is then. Throws ABORTED where
 * the node that was given up is writing to it at this moment, so that no copy would be a state that it ever had.
 */
export async function fenceOff(
  state: State,
  tree: Tree,
  { key, record }: { readonly key: string; readonly record: VolumeRecord },
  nodeId: string,
): Promise<VolumeRecord> {
  const { image, subDir } = record;
  if (image?.fence === undefined) return record;
  // What that node still writes are the volume's own writes again; but a filesystem half made is nobody's.
  if (image.fence.nodeId === nodeId && !image.fence.blank) {
    return change(state, tree, { key, record }, image.file);
  }
  const file = `disk-${newRecordId()}.img`;
  const from = imageIn(subDir, image.file);
  const { blank } = image.fence;
  await atPlace(tree, from, { make: false }, (place) => copyBeside(tree, place, file, blank));
  try {
    return await change(state, tree, { key, record }, file);
  } finally {
    await sweepImages(state, tree, key);
  }
}

/**
 * Removes what is not the volume's image any more: the one that was replaced, and copies that came too late. The folder
 * is looked at first: no copy that is in it then can become the image once the record has no fence.
 */
export async function sweepImages(state: State, tree: Tree, key: string): Promise<void> {
  const before = await readRecord(state, tree, key);
  if (before?.image === undefined) return;
  await atPlace(tree, imageIn(before.subDir), { make: false }, async ({ parent }) => {
    const names = (await tree.list(parent, '.')).filter(isImageName);
    const record = await readRecord(state, tree, key);
    if (record?.id !== before.id || record.image === undefined || record.image.fence !== undefined) return;
    const current = record.image.file ?? imageName;
    const others = names.filter((name) => name !== current);
    // Nothing is removed where the image itself is missing: one of them may be all that is left of it.
    if (others.length === names.length) return;
    for (const name of others) await removeIfThere(tree, parent, name);
    if (others.length > 0) await tree.sync(parent);
  });
}

/** Takes the fence down, with this file as the volume's, unless others did so before. */
async function change(
  state: State,
  tree: Tree,
  { key, record }: { readonly key: string; readonly record: VolumeRecord },
  file: string | undefined,
): Promise<VolumeRecord> {
  const changed = await updateRecord(state, tree, key, (current) => {
    // Of another fence the copy would be too old: the volume may have been written to in between.
    const isThis = current.id === record.id && current.image?.fence?.id === record.image?.fence?.id;
    if (!isThis || current.image?.fence === undefined) return current;
    const { fence: _, ...rest } = current.image;
    return { ...current, image: { ...rest, ...(file === undefined ? {} : { file }) } };
  });
  if (changed?.id === record.id) return changed;
  throw new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being deleted at the same time; repeat the call.`,
  );
}

async function copyBeside(tree: Tree, { parent, name }: Place, copy: string, blank: boolean): Promise<void> {
  const before = await tree.lstat(parent, name);
  const file = await tree.makeFile(parent, copy, 0o600);
  try {
    if (blank) {
      await tree.setSize(file, before.size);
    } else if ((await tree.copy(parent, name, file)) === 'copied') {
      // That took time, in which nothing may have changed; a copy that shares blocks is one moment's.
      const after = await statAnew(tree, { parent, name });
      if (after.ctimeNs !== before.ctimeNs || after.size !== before.size) throw stillWriting();
    }
    await tree.sync(file, parent);
  } catch (error) {
    await tree.unlink(parent, copy).catch(() => {});
    throw error;
  } finally {
    tree.close(file);
  }
}

/** An NFS client asks for the attributes of a file anew when it is opened (nfs(5), close-to-open). */
async function statAnew(tree: Tree, { parent, name }: Place) {
  const file = await tree.openFile(parent, name);
  try {
    return await tree.stat(file);
  } finally {
    tree.close(file);
  }
}

async function removeIfThere(tree: Tree, parent: Dir, name: string): Promise<void> {
  try {
    await tree.unlink(parent, name);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

function stillWriting(): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-still-written',
    'The image of the volume was written to while it was copied, by the node that it was taken from; make sure that that node is off or cut off, then repeat the call.',
  );
}
