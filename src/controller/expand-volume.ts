import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/errno.ts';
import type { Tree } from '../pools/tree.ts';
import { readCapability } from '../volumes/capability.ts';
import { growImage } from '../volumes/image/image-file.ts';
import { imageSize, type SizeRange } from '../volumes/image/image-size.ts';
import { imageVersion, type VolumeRecord } from '../volumes/state/record.ts';
import { readRecord, updateRecord } from '../volumes/state/records.ts';
import type { State } from '../volumes/state/state.ts';
import { imageIn } from '../volumes/sub-dir.ts';
import type {
  ControllerExpandVolumeRequest,
  ControllerExpandVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import { readCapacityRange } from './capacity-range.ts';
import type { ControllerDeps } from './deps.ts';
import { findDynamic, notFound } from './find-volume.ts';

/**
 * CSI ControllerExpandVolume. A directory's size is recorded, so the node has nothing to do; an image's file grows
 * before that, and the node makes the device and the filesystem follow. Never shrinks.
 */
export async function controllerExpandVolume(
  { stores }: ControllerDeps,
  request: ControllerExpandVolumeRequest,
): Promise<ControllerExpandVolumeResponseInit> {
  const { volume_id: volumeId } = request;
  const range = readCapacityRange(request.capacity_range);
  const found = await findDynamic(stores, volumeId);
  if (found === undefined) throw notFound(volumeId);
  const { store, key, kind } = found;
  if (found.record.shared !== undefined) throw readOnlyVolume(volumeId);
  if (request.volume_capability) readCapability(request.volume_capability, kind);
  const record = await store.pool.use((state, tree) =>
    grow(state, tree, { key, record: found.record }, range),
  );
  if (record === undefined) throw notFound(volumeId);
  store.inventory.note(key, record);
  return { capacity_bytes: record.capacity.toString(), node_expansion_required: record.image !== undefined };
}

/** Returns the record as it is then; undefined where the volume is gone. */
async function grow(
  state: State,
  tree: Tree,
  { key, record: found }: { readonly key: string; readonly record: VolumeRecord },
  range: SizeRange,
): Promise<VolumeRecord | undefined> {
  // Once, but where the image is replaced at the same time (image/fence.ts).
  for (let record = found; ; ) {
    const wanted = record.image === undefined ? range.required : imageSize(range, record.image.fsType);
    if (!(await growFile(tree, record, record.capacity < range.required ? wanted : record.capacity))) {
      const now = await readRecord(state, tree, key);
      if (now === undefined) return undefined;
      if (imageVersion(now) === imageVersion(record)) throw imageMissing(key);
      record = now;
      continue;
    }
    const changed = await updateRecord(state, tree, key, (current) => {
      if (range.limit !== 0n && current.capacity > range.limit) throw tooLarge(key, current.capacity);
      return current.capacity >= range.required ? current : { ...current, capacity: wanted };
    });
    if (changed === undefined || imageVersion(changed) === imageVersion(record)) return changed;
    record = changed;
  }
}

/** False where the file is not there (any more). */
async function growFile(tree: Tree, { image, subDir }: VolumeRecord, size: bigint): Promise<boolean> {
  if (image === undefined) return true;
  try {
    await growImage(tree, imageIn(subDir, image.file), { size, thick: image.thick === true });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function readOnlyVolume(volumeId: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-read-only',
    `The volume ${volumeId} cannot be made larger: it is served straight from a snapshot, which nobody may write to; make a larger volume from the snapshot.`,
  );
}

function imageMissing(key: string): CsiError {
  return new CsiError(
    status.NOT_FOUND,
    'image-missing',
    `The volume ${key} cannot be made larger: its image is not on the pool any more. Restore it from a backup.`,
  );
}

function tooLarge(volumeId: string, capacity: bigint): CsiError {
  return new CsiError(
    status.OUT_OF_RANGE,
    'shrink-refused',
    `The volume ${volumeId} has ${capacity} bytes already, more than the limit asked for; a volume cannot be made smaller.`,
  );
}
