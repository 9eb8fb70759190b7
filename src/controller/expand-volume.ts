import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { growImage } from '../volumes/image/image-file.ts';
import { imageSize } from '../volumes/image/image-size.ts';
import { updateRecord } from '../volumes/state/records.ts';
import type {
  ControllerExpandVolumeRequest,
  ControllerExpandVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import { readCapacityRange } from './capacity-range.ts';
import type { ControllerDeps } from './deps.ts';
import { findDynamic, notFound } from './find-volume.ts';

/**
 * CSI ControllerExpandVolume. A directory's size is recorded, so the node has nothing to do; an image's file grows before
 * that, and the node makes the device and the filesystem follow. Never shrinks.
 */
export async function controllerExpandVolume(
  { stores }: ControllerDeps,
  request: ControllerExpandVolumeRequest,
): Promise<ControllerExpandVolumeResponseInit> {
  const { volume_id: volumeId } = request;
  const range = readCapacityRange(request.capacity_range);
  const found = await findDynamic(stores, volumeId);
  if (found === undefined) throw notFound(volumeId);
  const { store, key, kind, image } = found;
  if (request.volume_capability) readCapability(request.volume_capability, kind);
  const { fsType, thick = false } = found.record.image ?? {};
  const wanted = image === undefined ? range.required : imageSize(range, fsType);
  const isLarger = found.record.capacity < range.required;
  if (image !== undefined && isLarger) {
    await store.pool.use((_, tree) => growImage(tree, image, { size: wanted, thick }));
  }
  const record = await store.pool.use((state, tree) =>
    updateRecord(state, tree, key, (current) => {
      if (range.limit !== 0n && current.capacity > range.limit) throw tooLarge(volumeId, current.capacity);
      return current.capacity >= range.required ? current : { ...current, capacity: wanted };
    }),
  );
  if (record === undefined) throw notFound(volumeId);
  store.inventory.note(key, record);
  return { capacity_bytes: record.capacity.toString(), node_expansion_required: image !== undefined };
}

function tooLarge(volumeId: string, capacity: bigint): CsiError {
  return new CsiError(
    status.OUT_OF_RANGE,
    'shrink-refused',
    `The volume ${volumeId} has ${capacity} bytes already, more than the limit asked for; a volume cannot be made smaller.`,
  );
}
