import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Named, Tree } from '../../pools/tree.ts';
import { createDirectory } from '../directory/directory.ts';
import { makeShare } from '../snapshots/shares.ts';
import type { SnapshotRecord } from '../snapshots/snapshot-record.ts';
import { readSnapshotAnew } from '../snapshots/snapshot-records.ts';
import type { VolumeRecord } from '../state/record.ts';
import type { State } from '../state/state.ts';
import { newCopyName } from '../sub-dir.ts';
import { newAside } from './copy-lock.ts';
import { withdrawVolume } from './make-volume.ts';
import type { Source } from './source.ts';

/**
 * Whether a volume that nobody writes to can show a snapshot itself. A filesystem on an image is copied: one that was in
 * use has a journal that is replayed when it is mounted, which writes. So is an image that is to be larger, or whose
 * space is to be its own.
 */
export function isShareable({ image, capacity }: VolumeRecord, snapshot: SnapshotRecord): boolean {
  if (image === undefined) return true;
  return image.fsType === undefined && image.thick !== true && capacity === snapshot.size;
}

/**
 * Makes a volume that shows a snapshot, without a copy; undefined where the snapshot is being deleted. Returns the
 * record, that of an earlier call included.
 */
export async function shareSnapshot(
  state: State,
  tree: Tree,
  key: string,
  wanted: VolumeRecord,
  source: Extract<Source, { kind: 'snapshot' }>,
): Promise<VolumeRecord | undefined> {
  const { data } = source.record;
  const from = { kind: source.kind, key: source.key };
  if (wanted.image !== undefined) {
    // Another link to the snapshot's image: it stays as long as one of the two does.
    const image = { ...wanted.image, file: newCopyName() };
    const record = { ...wanted, from, image, shared: data };
    const copy = { dir: state.copies, name: newAside() };
    if (!(await linkThere(tree, { dir: state.snapshots, name: data }, copy))) return undefined;
    try {
      return await createDirectory(state, tree, key, record, copy);
    } finally {
      await ignoring(tree.unlink(copy.dir, copy.name), 'ENOENT');
    }
  }
  const share = { data, id: wanted.id, key };
  await makeShare(state, tree, share);
  // Deleted meanwhile: what deletes it may not have seen the share, which a sweep takes away.
  if ((await readSnapshotAnew(state, tree, source.key))?.data !== data) return undefined;
  const record = await createDirectory(state, tree, key, { ...wanted, from, shared: data });
  if (record.id !== wanted.id) return record;
  // A call that was held up for long may have lost its share to a sweep, and the directory with it.
  await makeShare(state, tree, share);
  if (await isThere(state, tree, data)) return record;
  await withdrawVolume(state, tree, key, record.id);
  throw new CsiError(
    status.ABORTED,
    'source-deleted',
    `The snapshot ${source.key} was deleted while the volume ${wanted.name} was made from it; repeat the call if it is still wanted.`,
  );
}

/** False where it is not there any more. */
async function linkThere(tree: Tree, from: Named, to: Named): Promise<boolean> {
  try {
    await tree.link(from.dir, from.name, to.dir, to.name);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function isThere(state: State, tree: Tree, data: string): Promise<boolean> {
  try {
    await tree.lstat(state.snapshots, data);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
