import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import type { FilesystemType } from '../../host/filesystem.ts';
import { isFilesystemType } from '../capability.ts';
import { imageVersion, type VolumeRecord } from '../state/record.ts';
import { imageIn, subDirProblem } from '../sub-dir.ts';
import { isKey, isStaticKey } from '../volume-id.ts';

/** What a node has to know of a block volume that is attached to it, and only the controller can tell. */
export interface AttachedBlock {
  /** Under which the volume's attachments are kept. */
  readonly key: string;
  /**
   * The file as it is now: its name changes where the volume was taken from a node by force (image/fence.ts). Undefined
   * for a device of the node.
   */
  readonly image: string | undefined;
  /** Which file that is, as the attachment says it too; undefined for a volume that was there before. */
  readonly version: string | undefined;
  /** The filesystem to make where the image is blank; undefined for a raw device, and for what was there before. */
  readonly format: FilesystemType | undefined;
  /** What the image has at least, in bytes; 0 where nobody knows. */
  readonly size: bigint;
}

/**
 * The publish context of a block volume: `image` is its file, undefined for a device; `record` that of a dynamic one,
 * as it is when the volume is attached.
 */
export function contextOfBlock(
  key: string,
  image: string | undefined,
  record: VolumeRecord | undefined,
): Record<string, string> {
  const file = record === undefined ? image : imageIn(record.subDir, record.image?.file);
  const version = record && imageVersion(record);
  const format = record?.image?.fsType;
  return {
    key,
    size: String(record?.capacity ?? 0n),
    ...(file === undefined ? {} : { image: file }),
    ...(version === undefined ? {} : { version }),
    ...(format === undefined ? {} : { format }),
  };
}

/** Reads it. Throws FAILED_PRECONDITION where the volume was not attached by this driver's controller. */
export function readAttachedBlock(
  volumeId: string,
  { key, image, version, format = '', size = '' }: Readonly<Record<string, string>>,
): AttachedBlock {
  const isRight =
    key !== undefined &&
    (isKey(key) || isStaticKey(key)) &&
    (image === undefined || subDirProblem(image) === undefined) &&
    /^\d{1,19}$/.test(size) &&
    (format === '' || isFilesystemType(format));
  if (isRight)
    return { key, image, version, format: isFilesystemType(format) ? format : undefined, size: BigInt(size) };
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'volume-not-attached',
    `The volume ${volumeId} cannot be used on this node: its publish context is not that of an attached volume; call ControllerPublishVolume first and pass on what it returns.`,
  );
}
