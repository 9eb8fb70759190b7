import type { Handlers } from '../wire/csi.ts';
import type { Services } from '../wire/generated/csi-types.ts';
import { createVolumeGroupSnapshot } from './create-group-snapshot.ts';
import { deleteVolumeGroupSnapshot } from './delete-group-snapshot.ts';
import type { ControllerDeps } from './deps.ts';
import { getVolumeGroupSnapshot } from './get-group-snapshot.ts';

/** The GroupController service. */
export function groupControllerService(deps: ControllerDeps): Handlers<Services['GroupController']> {
  return {
    GroupControllerGetCapabilities: async () => ({
      capabilities: [{ rpc: { type: 'CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT' } }],
    }),
    CreateVolumeGroupSnapshot: (request) => createVolumeGroupSnapshot(deps, request),
    DeleteVolumeGroupSnapshot: (request) => deleteVolumeGroupSnapshot(deps, request),
    GetVolumeGroupSnapshot: (request) => getVolumeGroupSnapshot(deps, request),
  };
}
