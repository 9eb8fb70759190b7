import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { volumeJob } from '../volumes/copies/make-volume.ts';
import { deleteVolume as deleteOf } from '../volumes/directory/delete-directory.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type { DeleteVolumeRequest, DeleteVolumeResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { refuseUnknownPool } from './find-volume.ts';

/**
 * CSI DeleteVolume. A volume that is not there is deleted already; a static one is never touched, and neither
 * is anything that no record of Berth's names. An id that may be of a pool that is not in the config (any more) is
 * refused, hand-written or not: the volume may be there still, and nobody has reason to delete a static one.
 */
export async function deleteVolume(
  { stores }: ControllerDeps,
  { volume_id: volumeId }: DeleteVolumeRequest,
): Promise<DeleteVolumeResponseInit> {
  refuseUnknownPool(stores, volumeId);
  const id = parseVolumeId(volumeId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) return {};
  const cancel = () => store.copies.cancel(volumeJob(id.key));
  const result = await store.pool.use((state, tree) => deleteOf(state, tree, id.key, cancel));
  switch (result.kind) {
    case 'attached':
      throw new CsiError(
        status.FAILED_PRECONDITION,
        'volume-in-use',
        `The volume ${volumeId} is attached to ${result.nodes.join(', ')}; detach it there before it is deleted.`,
      );
    case 'gone':
      store.inventory.forget(id.key);
      store.janitor.deleted(result.aside);
      return {};
    case 'kept':
      throw new CsiError(
        status.ABORTED,
        'volume-busy',
        `The volume ${volumeId} was not deleted: another request has just given its deletion up; repeat the call.`,
      );
    case 'absent':
      return {};
  }
}
