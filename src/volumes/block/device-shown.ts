import { deviceNumbered } from '../../host/block-device.ts';
import { sequenceOf } from '../../host/loop.ts';
import { hasOption, type Mount, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { isFilesystemType } from '../capability.ts';
import type { StagedBlock } from './staged-blocks.ts';

/** The block device that a mount shows: as the device of its filesystem, or as its own node in /dev. */
export function deviceShownBy({ device, fsType, root }: Mount): string | undefined {
  // mount(8) shows another name of it as the source where device mapper is involved.
  if (isFilesystemType(fsType)) return deviceNumbered(device);
  return fsType === 'devtmpfs' && root !== '/' ? `/dev${root}` : undefined;
}

/** The same of what is mounted at a path. */
export function shownAt(path: string): string | undefined {
  const mount = topmostAt(readMountinfo(), path);
  return mount && deviceShownBy(mount);
}

/** Whether a device is mounted anywhere: its filesystem, or its own node. */
export function isMounted(device: string): boolean {
  return readMountinfo().some((mount) => deviceShownBy(mount) === device);
}

/** Where the filesystem of a device can be written to: a pod's own mount of it may be read-only. */
export function writableMountOf(device: string): string | undefined {
  const isWritable = (mount: Mount) => !hasOption(mount, 'ro') && deviceShownBy(mount) === device;
  return readMountinfo().find(isWritable)?.mountPoint;
}

/** Whether a mount shows a volume's device, or what pods have it read-only by (reader-device.ts). */
export function shows(mount: Mount, { note: { reader }, device }: StagedBlock): boolean {
  const shown = deviceShownBy(mount);
  if (shown === undefined || shown === device) return shown === device;
  return typeof reader === 'object' && shown === reader.path && sequenceOf(shown) === reader.sequence;
}

/** Whether a device's own node is mounted anywhere, as pods have raw ones. */
export function isShown(device: string): boolean {
  return readMountinfo().some((mount) => isNode(mount) && deviceShownBy(mount) === device);
}

/** Where a volume's is, or what pods have it read-only by; undefined where neither is. */
export function placeOfNode(staged: StagedBlock): string | undefined {
  return readMountinfo().find((mount) => isNode(mount) && shows(mount, staged))?.mountPoint;
}

function isNode({ fsType }: Mount): boolean {
  return !isFilesystemType(fsType);
}
