import type { CsiError } from '../../errors/csi-error.ts';
import type { FilesystemType } from '../../host/filesystem.ts';
import type { PoolView } from '../../pools/shared-mount.ts';
import type { Capability } from '../capability.ts';
import type { BlockLocation } from '../volume-context.ts';
import { truncated } from './block-errors.ts';
import type { BlockNote } from './block-notes.ts';

/** What a block volume is staged by: what kubelet asks for, and what the controller told of the volume. */
export interface StageBlock {
  readonly volumeId: string;
  /** Under which the volume's attachments are kept. */
  readonly key: string;
  /** The file that the attachment is for; undefined for a volume that was there before. */
  readonly version: string | undefined;
  readonly location: BlockLocation;
  readonly capability: Capability;
  readonly fsType: FilesystemType | undefined;
  /** The filesystem to make where the image is blank, and the least size of the image; the controller alone says so. */
  readonly format: FilesystemType | undefined;
  readonly size: bigint;
  readonly readOnly: boolean;
  readonly stagingPath: string;
}

/** Whether what is staged is a raw device, and a filesystem is asked for, or the other way round. */
export function isOther(note: BlockNote, capability: Capability): boolean {
  return note.isRaw !== undefined && note.isRaw !== capability.block;
}

/** As they are noted: in no order, and each once. */
export function flagsOf({ mountFlags }: Capability): string {
  return [...new Set(mountFlags)].sort().join();
}

/** The image's file in a mount of its pool; undefined for a device. */
export function fileOf({ location }: StageBlock, view: PoolView): string | undefined {
  return location.kind === 'image' ? `${view.path}/${location.image}` : undefined;
}

/** What is wrong where an image has fewer bytes than the controller says that it has at least. */
export function truncation({ volumeId, location, size }: StageBlock, found: bigint): CsiError | undefined {
  if (location.kind !== 'image' || found >= size) return undefined;
  return truncated(volumeId, location.image, size, found);
}
