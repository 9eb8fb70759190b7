import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { filesystemAsked, type VolumeKind, type WireCapability } from './capability.ts';
import type { VolumeParameters } from './parameters.ts';
import type { ImageRecord } from './state/record.ts';

/** What a dynamic volume is, for its capabilities. */
export function kindOf(image: ImageRecord | undefined, pool: 'nfs' | 'local'): VolumeKind {
  return image === undefined ? { kind: 'directory', pool } : { kind: 'image', fsType: image.fsType };
}

/**
 * What kind of volume a request is for: an image where it asks for a raw device or names ext4 or xfs, else, undefined,
 * a directory. Throws INVALID_ARGUMENT where it asks for both, or for what the other kind has.
 */
export function imageAsked(
  capabilities: readonly WireCapability[],
  parameters: VolumeParameters,
): ImageRecord | undefined {
  const isBlock = capabilities.some(({ mount }) => !mount);
  const asked = [parameters.fsType, ...capabilities.map(filesystemAsked)];
  // external-provisioner names the StorageClass's fstype for a raw device too, which has none.
  const [fsType, ...others] = isBlock ? [] : [...new Set(asked.filter((type) => type !== undefined))];
  if (others.length > 0) throw invalid('asks for several filesystems; name one');
  if (!isBlock && fsType === undefined) {
    if (parameters.thick !== undefined) {
      throw invalid(
        'has "allocation", but asks for a shared directory, whose size is not enforced; leave that out, or name a filesystem: csi.storage.k8s.io/fstype',
      );
    }
    return undefined;
  }
  if (isBlock && capabilities.some(({ mount }) => mount)) {
    throw invalid('asks for a raw device and for something mounted at once; ask for one of them');
  }
  const { mode, uid, gid } = parameters;
  if (mode !== undefined || uid !== undefined || gid !== undefined) {
    throw invalid(
      'has "mode", "uid" or "gid", which are of a shared directory; leave them out for a raw device or a filesystem (a pod gets that by its fsGroup)',
    );
  }
  return {
    ...(fsType === undefined ? {} : { fsType }),
    ...(parameters.thick === true ? { thick: true } : {}),
  };
}

function invalid(what: string): CsiError {
  return new CsiError(status.INVALID_ARGUMENT, 'parameter-invalid', `The request ${what}.`);
}
