import { deviceNumbered } from '../../host/block-device.ts';
import { type Mount, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { isFilesystemType } from '../capability.ts';

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
