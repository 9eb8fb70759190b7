import type { Handlers } from '../wire/csi.ts';
import type { Services } from '../wire/generated/csi-types.ts';
import { controllerGetCapabilities } from './capabilities.ts';
import { createSnapshot } from './create-snapshot.ts';
import { createVolume } from './create-volume.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { deleteVolume } from './delete-volume.ts';
import type { ControllerDeps } from './deps.ts';
import { controllerExpandVolume } from './expand-volume.ts';
import { getCapacity } from './get-capacity.ts';
import { getSnapshot } from './get-snapshot.ts';
import { controllerGetVolume } from './get-volume.ts';
import { listSnapshots } from './list-snapshots.ts';
import { controllerListVolumeHealth } from './list-volume-health.ts';
import { listVolumes } from './list-volumes.ts';
import { controllerModifyVolume } from './modify-volume.ts';
import { controllerPublishVolume } from './publish-volume.ts';
import { controllerUnpublishVolume } from './unpublish-volume.ts';
import { validateVolumeCapabilities } from './validate-volume-capabilities.ts';
import { controllerGetVolumeHealth } from './volume-health.ts';

/** The Controller service; RPCs that are left out are UNIMPLEMENTED. */
export function controllerService(deps: ControllerDeps): Handlers<Services['Controller']> {
  return {
    ControllerGetCapabilities: () => controllerGetCapabilities(deps.isOneOfMany === true),
    CreateVolume: (request) => createVolume(deps, request),
    DeleteVolume: (request) => deleteVolume(deps, request),
    ControllerPublishVolume: (request) => controllerPublishVolume(deps, request),
    ControllerUnpublishVolume: (request) => controllerUnpublishVolume(deps, request),
    ValidateVolumeCapabilities: (request) => validateVolumeCapabilities(deps, request),
    ListVolumes: (request) => listVolumes(deps, request),
    GetCapacity: (request) => getCapacity(deps, request),
    ControllerGetVolume: (request) => controllerGetVolume(deps, request),
    ControllerExpandVolume: (request) => controllerExpandVolume(deps, request),
    CreateSnapshot: (request) => createSnapshot(deps, request),
    DeleteSnapshot: (request) => deleteSnapshot(deps, request),
    ListSnapshots: (request) => listSnapshots(deps, request),
    GetSnapshot: (request) => getSnapshot(deps, request),
    ControllerModifyVolume: (request) => controllerModifyVolume(deps, request),
    ControllerGetVolumeHealth: (request) => controllerGetVolumeHealth(deps, request),
    ControllerListVolumeHealth: (request) => controllerListVolumeHealth(deps, request),
  };
}
