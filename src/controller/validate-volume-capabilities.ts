import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { readParameters } from '../volumes/parameters.ts';
import type {
  ValidateVolumeCapabilitiesRequest,
  ValidateVolumeCapabilitiesResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { findVolume } from './find-volume.ts';

/** CSI ValidateVolumeCapabilities: confirms what was asked, or says in the message why not. */
export async function validateVolumeCapabilities(
  { stores }: ControllerDeps,
  request: ValidateVolumeCapabilitiesRequest,
): Promise<ValidateVolumeCapabilitiesResponseInit> {
  const volume = await findVolume(stores, request.volume_id, request.volume_context);
  try {
    for (const capability of request.volume_capabilities) {
      readCapability(capability, volume.store.config.kind);
    }
    readParameters(request.parameters, volume.record?.name ?? '');
  } catch (error) {
    if (error instanceof CsiError && error.code === status.INVALID_ARGUMENT)
      return { message: error.message };
    throw error;
  }
  const { subDir } = request.volume_context;
  if (subDir !== undefined && subDir !== volume.subDir) {
    return { message: `The volume ${request.volume_id} is in another directory than its context says.` };
  }
  return {
    confirmed: {
      volume_context: request.volume_context,
      volume_capabilities: request.volume_capabilities,
      parameters: request.parameters,
      mutable_parameters: request.mutable_parameters,
    },
  };
}
