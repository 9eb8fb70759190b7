import { exclusivityOf } from '../../host/exclusive.ts';
import { DeviceBusyError, detachLoop } from '../../host/loop.ts';
import { unmount } from '../../host/mount.ts';
import { possibleMountPoint } from '../../host/mount-point.ts';
import { type MountObserver, observed } from '../../pools/mount-observer.ts';
import { stillPublished } from './block-errors.ts';
import { placeOfNode } from './device-shown.ts';
import { detachUnusedReaders } from './reader-device.ts';
import type { StagedBlock } from './staged-blocks.ts';

const timeoutMs = 20_000;
/** What was written is written back first. What takes longer goes on without this process, and the retry finds out. */
const unmountMs = 25_000;

/** Takes a filesystem's mount away; nothing where none is there, or can be. */
export async function unmountStaged(stagingPath: string, observe: MountObserver): Promise<void> {
  const target = possibleMountPoint(stagingPath);
  if (target === undefined) return;
  await observed(observe, { operation: 'unmount', pool: undefined }, () =>
    unmount(target, { force: false, timeoutMs: unmountMs }),
  );
}

/**
 * Lets go of a volume's device. A raw one that a pod's path still shows is kept: the next volume would get the same
 * loop device, and show its data there. Throws CsiError, {@link DeviceBusyError} and CommandError.
 */
export async function takeDown(staged: StagedBlock): Promise<void> {
  const { note, device } = staged;
  const place = placeOfNode(staged);
  if (place !== undefined) throw stillPublished(note.volumeId, place);
  await detachUnusedReaders(staged);
  if (note.node === undefined) await detachLoop(device, { timeoutMs });
  else await refuseHeld(device);
}

/**
 * Throws {@link DeviceBusyError} where something has a device, as a mount that was forgotten has, or a maker that was
 * given up: an exclusive open tells.
 */
export async function refuseHeld(device: string): Promise<void> {
  if ((await exclusivityOf(device, timeoutMs)) === 'taken') throw new DeviceBusyError(device);
}
