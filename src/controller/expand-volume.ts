import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { updateRecord } from '../volumes/state/records.ts';
import type {
  ControllerExpandVolumeRequest,
  ControllerExpandVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import { readCapacityRange } from './capacity-range.ts';
import type { ControllerDeps } from './deps.ts';
import { findDynamic, notFound } from './find-volume.ts';

/** CSI ControllerExpandVolume: a directory's size is recorded, so the node has nothing to do. Never shrinks. */
export async function controllerExpandVolume(
  { stores }: ControllerDeps,
  request: ControllerExpandVolumeRequest,
): Promise<ControllerExpandVolumeResponseInit> {
  const { volume_id: volumeId } = request;
  const range = readCapacityRange(request.capacity_range);
  const found = await findDynamic(stores, volumeId);
  if (found === undefined) throw notFound(volumeId);
  const { store, key } = found;
  if (request.volume_capability) readCapability(request.volume_capability, store.config.kind);
  const record = await store.pool.use((state, tree) =>
    updateRecord(state, tree, key, (current) => {
      if (range.limit !== 0n && current.capacity > range.limit) throw tooLarge(volumeId, current.capacity);
      return current.capacity >= range.required ? current : { ...current, capacity: range.required };
    }),
  );
  if (record === undefined) throw notFound(volumeId);
  store.inventory.note(key, record);
  return { capacity_bytes: record.capacity.toString(), node_expansion_required: false };
}

function tooLarge(volumeId: string, capacity: bigint): CsiError {
  return new CsiError(
    status.OUT_OF_RANGE,
    'shrink-refused',
    `The volume ${volumeId} has ${capacity} bytes already, more than the limit asked for; a volume cannot be made smaller.`,
  );
}
