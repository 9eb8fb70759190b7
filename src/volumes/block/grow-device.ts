import { notGrown } from './block-errors.ts';

/** Of a device that is in use. */
export interface GrowingDevice {
  readonly volumeId: string;
  /** What it is to have at least, in bytes. */
  readonly required: bigint;
  /** What its file has, as the server says; 0 for a device of the node. */
  fileSize(): Promise<bigint>;
  /** Has it take the size that this machine knows of its file. */
  grow(): Promise<void>;
  size(): bigint;
}

const attempts = 5;
/** Of a loop device, whatever its file has beyond the last one. */
const sectorSize = 512n;

/**
 * Makes a device as large as its file, and looks whether it is. An NFS client knows how large a file was some time ago,
 * and of what it is told at the same time the answer to a write that is under way may be the older one: then it is asked
 * again. Throws UNAVAILABLE where the device does not get there.
 */
export async function growDevice(device: GrowingDevice): Promise<void> {
  const { volumeId, required } = device;
  for (let attempt = 1; ; attempt += 1) {
    const file = await device.fileSize();
    await device.grow();
    const wanted = file > required ? file : required;
    const has = device.size();
    if (has >= wanted - (wanted % sectorSize)) return;
    if (attempt === attempts) throw notGrown(volumeId, has, wanted);
  }
}
