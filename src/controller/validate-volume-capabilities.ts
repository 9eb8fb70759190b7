import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { readMutableParameters, readParameters, type VolumeParameters } from '../volumes/parameters.ts';
import type {
  ValidateVolumeCapabilitiesRequest,
  ValidateVolumeCapabilitiesResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { type FoundVolume, findVolume } from './find-volume.ts';

/** CSI ValidateVolumeCapabilities: confirms what was asked, all of it, or says in the message why not. */
export async function validateVolumeCapabilities(
  { stores }: ControllerDeps,
  request: ValidateVolumeCapabilitiesRequest,
): Promise<ValidateVolumeCapabilitiesResponseInit> {
  const volume = await findVolume(stores, request.volume_id, request.volume_context);
  const message = objection(volume, request);
  if (message !== undefined) return { message };
  return {
    confirmed: {
      volume_context: request.volume_context,
      volume_capabilities: request.volume_capabilities,
      parameters: request.parameters,
      mutable_parameters: request.mutable_parameters,
    },
  };
}

/** Why the request cannot be confirmed; undefined where it can. */
function objection(volume: FoundVolume, request: ValidateVolumeCapabilitiesRequest): string | undefined {
  try {
    for (const capability of request.volume_capabilities) {
      readCapability(capability, volume.kind);
    }
    const asked = readParameters(request.parameters, volume.record?.name ?? '');
    const mutable = readMutableParameters(request.mutable_parameters);
    const differing = differences(volume, asked, mutable);
    if (differing.length === 0) return undefined;
    return `The volume ${request.volume_id} differs from what was asked, or is not known to be so, in this: ${differing.join(', ')}.`;
  } catch (error) {
    if (error instanceof CsiError && error.code === status.INVALID_ARGUMENT) return error.message;
    throw error;
  }
}

/**
 * The parameters that are asked for and are not the volume's. Of a static volume nothing is known but where it is.
 * A mutable parameter is compared with what it is now; it takes the place of the plain one of its name, as it does in
 * CreateVolume.
 */
function differences(
  { store, path, image, record }: FoundVolume,
  asked: VolumeParameters,
  mutable: Pick<VolumeParameters, 'onDelete'>,
): string[] {
  const isRaw = record?.image !== undefined && record.image.fsType === undefined;
  const checks: readonly (readonly [name: string, wanted: unknown, found: unknown])[] = [
    // An empty pool is none, as in CreateVolume.
    ['pool', asked.pool || undefined, store.config.name],
    ['subDir', asked.subDir, image !== undefined && record === undefined ? undefined : path],
    mutable.onDelete === undefined
      ? ['onDelete', asked.onDelete, record?.askedOnDelete]
      : ['onDelete', mutable.onDelete, record?.onDelete],
    ['archiveTTL', asked.archiveTtl, record?.archiveTtl],
    ['mode', asked.mode, record?.mode],
    ['uid', asked.uid, record?.uid],
    ['gid', asked.gid, record?.gid],
    // A raw device has no filesystem, whatever its StorageClass says.
    ['csi.storage.k8s.io/fstype', isRaw ? undefined : asked.fsType, record?.image?.fsType],
    ['allocation', asked.thick, record?.image && record.image.thick === true],
  ];
  return checks.flatMap(([name, wanted, found]) => (wanted === undefined || wanted === found ? [] : [name]));
}
