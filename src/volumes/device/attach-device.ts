import { attachLoop, detachLoop, deviceSize, listLoops } from '../../host/loop.ts';
import type { AttachedDevice, AttachOptions } from '../block/attached-device.ts';
import { findAllowed } from './allowed-device.ts';
import { refuseInUse } from './free-device.ts';

const timeoutMs = 20_000;

/** What this node may use, and does. */
export interface DeviceUse {
  /** Patterns of the devices that the config allows. */
  readonly patterns: readonly string[];
  /** The device that this volume has here already. */
  readonly staged: string | undefined;
}

/**
 * Gives the device of a hand-written PersistentVolume. Read-only it gets a loop device before it: a flag of the device
 * itself would be everybody's, and a filesystem that is mounted read-only replays its journal all the same. Throws
 * CsiError, and what blockFailure knows.
 */
export async function attachDevice(
  given: string,
  { patterns, staged }: DeviceUse,
  { readOnly, volumeId, onFound }: AttachOptions,
): Promise<AttachedDevice> {
  const device = findAllowed(volumeId, given, patterns);
  const { identity, path } = device;
  // What is staged is in use by this volume itself.
  if (staged === undefined) await refuseInUse(volumeId, device);
  const loops = await listLoops({ timeoutMs });
  const before = loops.find(
    (loop) => loop.readOnly && loop.device === identity.device && loop.inode === identity.inode,
  );
  const facts = { size: deviceSize(path) ?? 0n, isHollow: false };
  if (!readOnly) {
    // Set up by a stage that was cut off, when the volume was attached read-only.
    if (before !== undefined && before.path === staged) await detachLoop(before.path, { timeoutMs });
    await onFound({ ...identity, node: path });
    return { path, isNew: false, ...facts };
  }
  await onFound(identity);
  if (before !== undefined) return { path: before.path, isNew: false, ...facts };
  return { path: await attachLoop(path, { readOnly, timeoutMs }), isNew: true, ...facts };
}
