import { globSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { type BlockDevice, findBlockDevice, NotADeviceError } from '../../host/block-device.ts';

/**
 * Finds the device that a hand-written PersistentVolume names, if the config allows it. Links are resolved on both
 * sides, so that only what a device is counts, not which of its names was written. Throws NOT_FOUND, and
 * INVALID_ARGUMENT for what is none or is not allowed.
 */
export function findAllowed(volumeId: string, path: string, patterns: readonly string[]): BlockDevice {
  const device = find(volumeId, path);
  if (device === undefined) {
    throw new CsiError(
      status.NOT_FOUND,
      'device-missing',
      `The volume ${volumeId} cannot be used on this node: its device ${path} is not there; attach the disk or LUN to this node, or correct "device" (ls -l /dev/disk/by-id shows what is there).`,
    );
  }
  if (patterns.some((pattern) => globSync(pattern).some((name) => isDevice(name, device)))) return device;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'device-not-allowed',
    `The volume ${volumeId} cannot be used: its device ${path}, which is ${device.path} on this node, is not one that the config allows; add a pattern for it to "devices" there.`,
  );
}

function find(volumeId: string, path: string): BlockDevice | undefined {
  try {
    return findBlockDevice(path);
  } catch (error) {
    if (!(error instanceof NotADeviceError)) throw error;
    throw new CsiError(
      status.INVALID_ARGUMENT,
      'device-invalid',
      `The volume ${volumeId} cannot be used: its "device" ${path} is no block device below /dev; correct it.`,
    );
  }
}

function isDevice(name: string, device: BlockDevice): boolean {
  try {
    return findBlockDevice(name)?.path === device.path;
  } catch (error) {
    // A pattern may well match directories and other things.
    if (error instanceof NotADeviceError) return false;
    throw error;
  }
}
