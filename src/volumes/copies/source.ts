import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import type { FilesystemType } from '../../host/filesystem.ts';
import type { Named, Tree } from '../../pools/tree.ts';
import { copyImage } from '../image/copy-image.ts';
import type { SnapshotRecord } from '../snapshots/snapshot-record.ts';
import { readSnapshotAnew } from '../snapshots/snapshot-records.ts';
import { atPlace } from '../state/beneath.ts';
import type { VolumeRecord } from '../state/record.ts';
import { readRecordAnew } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { imageIn } from '../sub-dir.ts';
import type { CopyWatch } from './copies.ts';

/** What is copied: a volume as it is at this time, or a snapshot. */
export type Source =
  | { readonly kind: 'volume'; readonly key: string; readonly record: VolumeRecord }
  | { readonly kind: 'snapshot'; readonly key: string; readonly record: SnapshotRecord };

/** The snapshot's directory or image that is copied; undefined where it is a volume's own. */
function snapshotData(source: Source): string | undefined {
  if (source.kind === 'snapshot') return source.record.data;
  const { shared, image } = source.record;
  return image === undefined ? shared : undefined;
}

/** In bytes; 0 where that is not known. */
export function sizeOf(source: Source): bigint {
  return source.kind === 'volume' ? source.record.capacity : source.record.size;
}

/** The filesystem of an image, if it has one of Berth's making; undefined for a directory. */
export function imageOf({ record: { image } }: Source): { readonly fsType?: FilesystemType } | undefined {
  if (image === undefined) return undefined;
  return image.fsType === undefined ? {} : { fsType: image.fsType };
}

/**
 * Copies a directory with all that is in it, or an image. ABORTED for an image that is written to meanwhile, where the
 * server cannot share blocks, and where what is copied was deleted meanwhile: then it may be incomplete.
 */
export async function copySource(
  state: State,
  tree: Tree,
  source: Source,
  copy: Named,
  watch: CopyWatch,
): Promise<void> {
  const snapshot = snapshotData(source);
  if (snapshot !== undefined) {
    const from = { dir: state.snapshots, name: snapshot };
    await copyFrom(tree, source, from, copy, watch);
  } else if (source.kind === 'volume') {
    const { subDir, image } = source.record;
    const path = image === undefined ? subDir : imageIn(subDir, image.file);
    await atPlace(tree, path, { make: false }, ({ parent, name }) =>
      copyFrom(tree, source, { dir: parent, name }, copy, watch),
    );
  }
  if (!(await isThereStill(state, tree, source))) throw deletedMeanwhile(source);
}

async function copyFrom(
  tree: Tree,
  source: Source,
  from: Named,
  copy: Named,
  watch: CopyWatch,
): Promise<void> {
  if (imageOf(source) === undefined) await tree.copy('tree', from, copy, watch);
  else if ((await copyImage(tree, from, copy, watch)) === 'changed') throw beingWritten(source);
}

async function isThereStill(state: State, tree: Tree, source: Source): Promise<boolean> {
  if (source.kind === 'volume') {
    return (await readRecordAnew(state, tree, source.key))?.id === source.record.id;
  }
  return (await readSnapshotAnew(state, tree, source.key))?.data === source.record.data;
}

function beingWritten({ key }: Source): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-being-written',
    `The image of the volume ${key} was written to while it was copied, and its server cannot share blocks (reflink), by which a copy would be one moment's: stop its pods, then repeat the call.`,
  );
}

function deletedMeanwhile({ kind, key }: Source): CsiError {
  return new CsiError(
    status.ABORTED,
    'source-deleted',
    `The ${kind} ${key} was deleted while it was copied, so the copy may be incomplete and is not used; repeat the call if it is still wanted.`,
  );
}
