import type { FileIdentity } from '../../host/loop.ts';

/** The device of a block volume on this node. */
export interface AttachedDevice {
  /** Such as /dev/loop3 or /dev/sdb. */
  readonly path: string;
  /** A loop device that this call has set up. */
  readonly isNew: boolean;
  /** Of the image or the device, in bytes. */
  readonly size: bigint;
  /** Of an image: nothing was stored in it when it was looked at. A hint, since others may have had it then. */
  readonly isHollow: boolean;
}

/** What a volume is kept in, by which its device is found again. */
export interface Backing extends FileIdentity {
  /** The device itself, where that is what pods get; else a loop device is over the file or device. */
  readonly node?: string;
}

export interface AttachOptions {
  readonly volumeId: string;
  readonly readOnly: boolean;
  /** Called before anything is set up, to take note. */
  readonly onFound: (backing: Backing) => Promise<void>;
}
