import { readMutableParameters } from '../volumes/parameters.ts';
import { updateRecord } from '../volumes/state/records.ts';
import type {
  ControllerModifyVolumeRequest,
  ControllerModifyVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { findDynamic, notFound } from './find-volume.ts';

/** CSI ControllerModifyVolume: changes what becomes of the data at DeleteVolume, all of it or nothing. */
export async function controllerModifyVolume(
  { stores }: ControllerDeps,
  request: ControllerModifyVolumeRequest,
): Promise<ControllerModifyVolumeResponseInit> {
  const { volume_id: volumeId } = request;
  const found = await findDynamic(stores, volumeId);
  if (found === undefined) throw notFound(volumeId);
  const { onDelete } = readMutableParameters(request.mutable_parameters);
  const { store, key } = found;
  const record = await store.pool.use((state, tree) =>
    updateRecord(state, tree, key, (current) =>
      onDelete === undefined || onDelete === current.onDelete ? current : { ...current, onDelete },
    ),
  );
  if (record === undefined) throw notFound(volumeId);
  store.inventory.note(key, record);
  return {};
}
