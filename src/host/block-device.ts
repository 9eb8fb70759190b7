import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { isErrno } from '../errors/errno.ts';
import type { FileIdentity } from './loop.ts';
import { readMountinfo } from './mountinfo.ts';

/** A block device of this machine. */
export interface BlockDevice {
  /** Its node with all links resolved, such as /dev/sdb or /dev/dm-3. */
  readonly path: string;
  /** Of that node in /dev; another one once the device was taken away, even if one of the same name came. */
  readonly identity: FileIdentity;
  /** `major:minor` of the device itself, as the mount table has it for its filesystem. */
  readonly number: string;
}

/**
 * Follows a path to a block device. Undefined where nothing is there; throws NotADeviceError for something else. Asks
 * /dev alone, which is in memory, never the device.
 */
export function findBlockDevice(given: string): BlockDevice | undefined {
  try {
    const path = realpathSync.native(given);
    const { dev, ino, rdev, mode } = statSync(path, { bigint: true });
    if ((mode & 0o170000n) !== 0o060000n || !path.startsWith('/dev/')) throw new NotADeviceError(given);
    return { path, identity: { device: deviceNumber(dev), inode: String(ino) }, number: deviceNumber(rdev) };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

export class NotADeviceError extends Error {
  constructor(path: string) {
    super(`${path} is no block device below /dev`);
    this.name = 'NotADeviceError';
  }
}

/** A `st_dev` as `major:minor`; the encoding is that of makedev(3). */
export function deviceNumber(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** The node in /dev of the device with this `major:minor`. Undefined where there is none (any more). */
export function deviceNumbered(number: string): string | undefined {
  try {
    return `/dev/${basename(readlinkSync(`/sys/dev/block/${number}`)).replaceAll('!', '/')}`;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * What this machine itself uses a device or a part of it for, as a person says it; undefined where nothing is known.
 * Asks the kernel's tables, not the device.
 */
export function hostUseOf({ path }: BlockDevice): string | undefined {
  const name = basename(path);
  const mounts = readMountinfo();
  const swaps = readFileSync('/proc/swaps', 'utf8');
  for (const part of [name, ...partitionsOf(name)]) {
    const what = part === name ? '' : `in use by its partition ${part}, which is `;
    const number = readFileSync(`/sys/class/block/${part}/dev`, 'utf8').trim();
    const mount = mounts.find(({ device }) => device === number);
    if (mount !== undefined) return `${what}mounted at ${mount.mountPoint}`;
    if (new RegExp(`^/dev/${part}\\s`, 'm').test(swaps)) return `${what}swap space`;
    const [holder] = readdirSync(`/sys/class/block/${part}/holders`);
    if (holder !== undefined) return `${what}part of ${holderName(holder)}`;
  }
  return undefined;
}

function partitionsOf(name: string): string[] {
  return readdirSync(`/sys/class/block/${name}`).filter((entry) => entry.startsWith(name));
}

/** A device mapper's device has a name of its own. */
function holderName(holder: string): string {
  try {
    return `${readFileSync(`/sys/class/block/${holder}/dm/name`, 'utf8').trim()} (LVM, or another of device mapper)`;
  } catch {
    return /^md/.test(holder) ? `the RAID ${holder}` : holder;
  }
}
