import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { FilesystemType } from '../host/filesystem.ts';
import { readAttachedBlock } from '../volumes/block/publish-context.ts';
import {
  type Capability,
  filesystemAsked,
  readNodeCapability,
  type WireCapability,
} from '../volumes/capability.ts';
import type { BlockLocation } from '../volumes/volume-context.ts';
import { isStaticKey } from '../volumes/volume-id.ts';

/** What a node's RPC is asked of a block volume. */
export interface BlockRequest {
  /** With the image's name as it is now. */
  readonly location: BlockLocation;
  readonly key: string;
  readonly version: string | undefined;
  readonly format: FilesystemType | undefined;
  readonly size: bigint;
  readonly capability: Capability;
  readonly fsType: FilesystemType | undefined;
  readonly readOnly: boolean;
}

/** Reads it. Throws FAILED_PRECONDITION for what the volume cannot be. */
export function readBlockRequest(
  request: {
    readonly volume_id: string;
    readonly volume_capability: WireCapability | null;
    readonly publish_context: Readonly<Record<string, string>>;
  },
  given: BlockLocation,
): BlockRequest {
  const { volume_id: volumeId, volume_capability: wire, publish_context: context } = request;
  const { key, image, version, format, size } = readAttachedBlock(volumeId, context);
  if ((image === undefined) !== (given.kind === 'device')) throw attachedDifferently(volumeId);
  const location = given.kind === 'image' && image !== undefined ? { ...given, image } : given;
  const kind = isStaticKey(key)
    ? ({ kind: 'existing' } as const)
    : ({ kind: 'image', fsType: format } as const);
  const capability = readNodeCapability(wire, kind);
  const readOnly = capability.readOnly || context.readonly === 'true';
  const fsType = wire === null ? undefined : filesystemAsked(wire);
  return { location, key, version, format, size, capability, fsType, readOnly };
}

function attachedDifferently(volumeId: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-not-attached',
    `The volume ${volumeId} cannot be used on this node: it was attached as an image and its attributes name a device now, or the other way round; detach it, then attach it anew.`,
  );
}
