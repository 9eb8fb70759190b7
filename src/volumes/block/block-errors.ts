// What is told of a block volume that cannot be used as it was asked for.
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';

export function stillPublished(volumeId: string, path: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-published',
    `The raw device that the volume ${volumeId} has on this node cannot be let go of: it is still published at ${path}; end the pod that has it (NodeUnpublishVolume).`,
  );
}

export function stagedAsOther(volumeId: string, isRaw: boolean): CsiError {
  const as = isRaw ? 'a raw device' : 'a filesystem';
  return new CsiError(
    status.FAILED_PRECONDITION,
    'staged-as-other',
    `The volume ${volumeId} is staged on this node as ${as}, and is asked for in another way; unstage it first, or correct volumeMode.`,
  );
}

export function notAttached(volumeId: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-not-attached',
    `The volume ${volumeId} is not attached to this node: ControllerPublishVolume comes first, and it may have been taken from this node meanwhile.`,
  );
}

export function stagedTwin(volumeId: string, other: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volumes-overlap',
    `The volume ${volumeId} cannot be used: its image or device is staged on this node as the volume ${other}; two volumes never share one.`,
  );
}

export function truncated(volumeId: string, image: string, wanted: bigint, found: bigint): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'image-truncated',
    `The volume ${volumeId} cannot be used: its image ${image} has ${found} bytes, and should have ${wanted}; it was cut. Restore it from a backup.`,
  );
}

export function notGrown(volumeId: string, has: bigint, wanted: bigint): CsiError {
  return new CsiError(
    status.UNAVAILABLE,
    'device-not-grown',
    `The device of the volume ${volumeId} has ${has} bytes on this node, and is to have ${wanted}: its image is not as large, or this node's NFS client does not know it yet; repeat the call once ControllerExpandVolume has made it larger.`,
  );
}

export function stagingOccupied(volumeId: string, path: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'staged-differently',
    `The volume ${volumeId} cannot be staged at ${path}: something else is mounted there, or the volume in another way; unstage it first.`,
  );
}

export function mountUnproven(volumeId: string, path: string): CsiError {
  return new CsiError(
    status.INTERNAL,
    'mount-unproven',
    `The mount table does not show the volume ${volumeId} at ${path}, although mount reported success; repeat the call.`,
  );
}
