import { dlopen, getInt32 } from 'node:ffi';
import { constants } from 'node:os';

/**
 * System calls that node:fs has not: those relative to an open directory, which name one component only, so that
 * nobody can put a link in the way of a path; and those that share or copy data within a file system. They hold the
 * thread, and are for a process of its own. Each throws an error with errno and code as node:fs does.
 */
const { functions: libc } = dlopen(null, {
  __errno_location: { arguments: [], return: 'pointer' },
  close: { arguments: ['i32'], return: 'i32' },
  prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
  openat: { arguments: ['i32', 'buffer', 'i32', 'u32'], return: 'i32' },
  mkdirat: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  mknodat: { arguments: ['i32', 'buffer', 'u32', 'u64'], return: 'i32' },
  symlinkat: { arguments: ['buffer', 'i32', 'buffer'], return: 'i32' },
  linkat: { arguments: ['i32', 'buffer', 'i32', 'buffer', 'i32'], return: 'i32' },
  unlinkat: { arguments: ['i32', 'buffer', 'i32'], return: 'i32' },
  readlinkat: { arguments: ['i32', 'buffer', 'buffer', 'u64'], return: 'i64' },
  fchownat: { arguments: ['i32', 'buffer', 'u32', 'u32', 'i32'], return: 'i32' },
  futimens: { arguments: ['i32', 'buffer'], return: 'i32' },
  utimensat: { arguments: ['i32', 'buffer', 'buffer', 'i32'], return: 'i32' },
  ioctl: { arguments: ['i32', 'u64', 'i32'], return: 'i32' },
  copy_file_range: { arguments: ['i32', 'buffer', 'i32', 'buffer', 'u64', 'u32'], return: 'i64' },
  lseek: { arguments: ['i32', 'i64', 'i32'], return: 'i64' },
  syncfs: { arguments: ['i32'], return: 'i32' },
  llistxattr: { arguments: ['buffer', 'buffer', 'u64'], return: 'i64' },
  lgetxattr: { arguments: ['buffer', 'buffer', 'buffer', 'u64'], return: 'i64' },
  lsetxattr: { arguments: ['buffer', 'buffer', 'buffer', 'u64', 'i32'], return: 'i32' },
  flistxattr: { arguments: ['i32', 'buffer', 'u64'], return: 'i64' },
  fgetxattr: { arguments: ['i32', 'buffer', 'buffer', 'u64'], return: 'i64' },
  fsetxattr: { arguments: ['i32', 'buffer', 'buffer', 'u64', 'i32'], return: 'i32' },
});

/** Of this thread; its address never changes. */
const errnoAddress = libc.__errno_location();

const codes = new Map(Object.entries(constants.errno).map(([code, errno]) => [errno, code]));

function failure(syscall: string): Error {
  const errno = getInt32(errnoAddress);
  const code = codes.get(errno) ?? `errno ${errno}`;
  return Object.assign(new Error(`${syscall}: ${code}`), { code, errno: -errno, syscall });
}

function checked(syscall: string, result: number): number {
  if (result < 0) throw failure(syscall);
  return result;
}

function checkedLong(syscall: string, result: bigint): bigint {
  if (result < 0n) throw failure(syscall);
  return result;
}

const nul = Buffer.alloc(1);

function text(name: Buffer): Buffer {
  return Buffer.concat([name, nul]);
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const FICLONE = 0x4004_9409n;

export function openAt(dir: number, name: Buffer, flags: number, mode = 0): number {
  return checked('openat', libc.openat(dir, text(name), flags, mode));
}

/** Fails where something could not be written, as an NFS client does (close(2)). */
export function close(fd: number): void {
  checked('close', libc.close(fd));
}

export function makeDirAt(dir: number, name: Buffer, mode: number): void {
  checked('mkdirat', libc.mkdirat(dir, text(name), mode));
}

/** Makes a device, FIFO or socket. */
export function makeNodeAt(dir: number, name: Buffer, mode: number, device: bigint): void {
  checked('mknodat', libc.mknodat(dir, text(name), mode, device));
}

export function makeSymlinkAt(dir: number, name: Buffer, target: Buffer): void {
  checked('symlinkat', libc.symlinkat(text(target), dir, text(name)));
}

export function linkAt(fromDir: number, fromName: Buffer, dir: number, name: Buffer): void {
  checked('linkat', libc.linkat(fromDir, text(fromName), dir, text(name), 0));
}

export function unlinkAt(dir: number, name: Buffer): void {
  checked('unlinkat', libc.unlinkat(dir, text(name), 0));
}

export function removeDirAt(dir: number, name: Buffer): void {
  checked('unlinkat', libc.unlinkat(dir, text(name), AT_REMOVEDIR));
}

/** PATH_MAX: no target is longer. */
const longestTarget = 4_096;

export function readLinkAt(dir: number, name: Buffer): Buffer {
  const target = Buffer.alloc(longestTarget);
  const length = checkedLong('readlinkat', libc.readlinkat(dir, text(name), target, BigInt(target.length)));
  return target.subarray(0, Number(length));
}

/** Of the name itself, also where that is a symbolic link. */
export function setOwnerAt(dir: number, name: Buffer, uid: number, gid: number): void {
  checked('fchownat', libc.fchownat(dir, text(name), uid, gid, AT_SYMLINK_NOFOLLOW));
}

export interface Times {
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
}

/** struct timespec[2] */
function timespecs({ atimeNs, mtimeNs }: Times): Buffer {
  const specs = Buffer.alloc(32);
  for (const [index, ns] of [atimeNs, mtimeNs].entries()) {
    // Before 1970 the seconds are rounded down: nanoseconds are never negative.
    const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    specs.writeBigInt64LE((ns - rest) / 1_000_000_000n, index * 16);
    specs.writeBigInt64LE(rest, index * 16 + 8);
  }
  return specs;
}

export function setTimes(fd: number, times: Times): void {
  checked('futimens', libc.futimens(fd, timespecs(times)));
}

/** Of the name itself, also where that is a symbolic link. */
export function setTimesAt(dir: number, name: Buffer, times: Times): void {
  checked('utimensat', libc.utimensat(dir, text(name), timespecs(times), AT_SYMLINK_NOFOLLOW));
}

/** Has a file share all blocks of another one, as of one moment (ioctl_ficlone(2)). */
export function clone(from: number, to: number): void {
  checked('ioctl', libc.ioctl(to, FICLONE, from));
}

/** Copies bytes within the kernel, or on the server (copy_file_range(2)); says how many, 0 at the end of the file. */
export function copyRange(from: number, to: number, offset: bigint, length: bigint): bigint {
  const [source, target] = [offset, offset].map((at) => {
    const place = Buffer.alloc(8);
    place.writeBigInt64LE(at);
    return place;
  }) as [Buffer, Buffer];
  return checkedLong('copy_file_range', libc.copy_file_range(from, source, to, target, length, 0));
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Where the next data begins; undefined where there is none from here on. */
export function nextData(fd: number, offset: bigint): bigint | undefined {
  const found = libc.lseek(fd, offset, SEEK_DATA);
  if (found >= 0n) return found;
  const error = failure('lseek');
  if ('code' in error && error.code === 'ENXIO') return undefined;
  throw error;
}

/** Where the data that is at `offset` ends. */
export function nextHole(fd: number, offset: bigint): bigint {
  return checkedLong('lseek', libc.lseek(fd, offset, SEEK_HOLE));
}

/** Writes all of a file system to its disk; fails where anything could not be written since it was opened. */
export function syncFilesystem(fd: number): void {
  checked('syncfs', libc.syncfs(fd));
}

/** An open file, or a path that is not followed where it is a link. */
export type Place = number | Buffer;

/** XATTR_LIST_MAX and XATTR_SIZE_MAX: neither is ever longer. */
const attributeBuffer = Buffer.alloc(65_536);

/** The names of the extended attributes (listxattr(2)); none where the file system has no such thing. */
export function listAttributes(place: Place): Buffer[] {
  const size = BigInt(attributeBuffer.length);
  const length =
    typeof place === 'number'
      ? libc.flistxattr(place, attributeBuffer, size)
      : libc.llistxattr(text(place), attributeBuffer, size);
  const names: Buffer[] = [];
  const list = Buffer.from(attributeBuffer.subarray(0, Number(checkedLong('listxattr', length))));
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf(0, start);
    names.push(list.subarray(start, end));
    start = end + 1;
  }
  return names;
}

export function getAttribute(place: Place, name: Buffer): Buffer {
  const size = BigInt(attributeBuffer.length);
  const length =
    typeof place === 'number'
      ? libc.fgetxattr(place, text(name), attributeBuffer, size)
      : libc.lgetxattr(text(place), text(name), attributeBuffer, size);
  return Buffer.from(attributeBuffer.subarray(0, Number(checkedLong('getxattr', length))));
}

export function setAttribute(place: Place, name: Buffer, value: Buffer): void {
  // What is passed as an address must not be empty.
  const bytes = value.length === 0 ? nul : value;
  const size = BigInt(value.length);
  const result =
    typeof place === 'number'
      ? libc.fsetxattr(place, text(name), bytes, size, 0)
      : libc.lsetxattr(text(place), text(name), bytes, size, 0);
  checked('setxattr', result);
}

const PR_SET_PDEATHSIG = 1;

/** Has the kernel kill this process once the one that started it has gone (PR_SET_PDEATHSIG(2const)). */
export function endWithParent(): void {
  checked('prctl', libc.prctl(PR_SET_PDEATHSIG, BigInt(constants.signals.SIGKILL), 0n, 0n, 0n));
}
