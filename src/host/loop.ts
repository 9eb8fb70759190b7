import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';

/** A file by its device and inode: its path may have been renamed, or be another one in another mount namespace. */
export interface FileIdentity {
  /** `major:minor` of its file system, as the mount table has it. */
  readonly device: string;
  readonly inode: string;
}

/** A loop device that has a file (loop(4)). */
export interface LoopDevice extends FileIdentity {
  /** Such as /dev/loop3. */
  readonly path: string;
  /** The file, as a process with another root directory or mount namespace may not see it. */
  readonly file: string;
  readonly readOnly: boolean;
  /** It shows all of the file, as Berth's do; somebody else's may show a part of it. */
  readonly isWhole: boolean;
}

/** A device that is to be let go of, and is still open or mounted. */
export class DeviceBusyError extends Error {
  constructor(device: string) {
    super(`${device} is still in use`);
    this.name = 'DeviceBusyError';
  }
}

/** A device has no bytes: its file is empty, or there is no medium in it. */
export class EmptyDeviceError extends Error {
  constructor(device: string) {
    super(`${device} is empty`);
    this.name = 'EmptyDeviceError';
  }
}

/** A file that was to be written to can only be read. */
export class NotWritableError extends Error {
  constructor(file: string) {
    super(`${file} cannot be opened for writing`);
    this.name = 'NotWritableError';
  }
}

/** No loop device is free, and no further one could be made. */
export class NoLoopDeviceError extends Error {
  constructor(options: { cause: unknown }) {
    super('this machine has no free loop device', options);
    this.name = 'NoLoopDeviceError';
  }
}

export interface LoopOptions {
  /** For each command, in milliseconds. */
  readonly timeoutMs: number;
}

/** How long a user of a moment is waited for. */
const letGo = { looks: 20, everyMs: 50 };

/** What `losetup --json` says of one device; null where it is just being taken away. */
interface Listed {
  readonly name: string;
  readonly 'back-maj:min': string | null;
  /** Its digits. */
  readonly 'back-ino': string | null;
  readonly 'back-file': string | null;
  readonly ro: boolean;
  readonly offset: number;
  readonly sizelimit: number;
}

/** The loop devices that have a file. Touches none of the files. Throws CommandError. */
export async function listLoops({ timeoutMs }: LoopOptions, exec: Run = run): Promise<LoopDevice[]> {
  const columns = 'NAME,BACK-MAJ:MIN,BACK-INO,RO,OFFSET,SIZELIMIT,BACK-FILE';
  const output = await exec('losetup', ['--list', '--json', '--output', columns], { timeoutMs });
  // Without any device it prints nothing at all.
  if (output.trim() === '') return [];
  // An inode may have 64 bits, and a number is read with 53. In a string the quotes would have backslashes.
  const exact = output.replaceAll(/"back-ino":\s*(\d+)/g, '"back-ino":"$1"');
  const { loopdevices } = JSON.parse(exact) as { loopdevices: Listed[] };
  return loopdevices.flatMap(({ name, ro, offset, sizelimit, ...listed }) => {
    const [device, inode, file] = [listed['back-maj:min'], listed['back-ino'], listed['back-file']];
    if (device === null || inode === null || file === null) return [];
    const isWhole = offset === 0 && sizelimit === 0;
    return [{ path: name, device: device.trim(), inode, readOnly: ro, isWhole, file }];
  });
}

/** What a file is at a moment. */
export interface FileFacts extends FileIdentity {
  /** In bytes. */
  readonly size: bigint;
  /** Whether no block is stored for it (st_blocks, stat(2)). */
  readonly isHollow: boolean;
}

/** Looks at a file in a child process: its server may be dead. Throws CommandError. */
export async function identify(
  file: string,
  { timeoutMs }: LoopOptions,
  exec: Run = run,
): Promise<FileFacts> {
  // --cached=never: an NFS client would else answer from its cache. It has to want more than the inode for that.
  const args = ['--cached=never', '--format=%Hd:%Ld %i %s %b %Z %F', '--', file];
  const output = await exec('stat', args, { timeoutMs });
  const [, device, inode, size, blocks, kind] = /^(\d+:\d+) (\d+) (\d+) (\d+) \d+ (.+)\n$/.exec(output) ?? [];
  if (device === undefined || inode === undefined || size === undefined) {
    throw new Error('stat gave an answer that cannot be read');
  }
  if (!/^regular( empty)? file$/.test(kind ?? '')) throw new NotAFileError(kind ?? '');
  return { device, inode, size: BigInt(size), isHollow: blocks === '0' };
}

/** What is to be an image is something else, such as a directory or a symbolic link. */
export class NotAFileError extends Error {
  constructor(kind: string) {
    super(`it is a ${kind}`);
    this.name = 'NotAFileError';
  }
}

/** The loop device of a file, one that shows all of it before others; undefined where it has none. */
export function loopOf(
  loops: readonly LoopDevice[],
  { device, inode }: FileIdentity,
): LoopDevice | undefined {
  const own = loops.filter((loop) => loop.device === device && loop.inode === inode);
  return own.find(({ isWhole }) => isWhole) ?? own[0];
}

/**
 * What is on a device counts in its sectors, so they never change, in bytes. Else the kernel would take the smallest that
 * direct I/O on the file allows, which XFS makes larger once the file shares blocks with a copy: then no file system is
 * mounted any more that was made with smaller ones. It reads and writes such a file through the page cache.
 */
const sectorSize = 512;

/**
 * Gives a file a loop device that reads and writes it past the page cache, where its file system can do that. A second
 * call gives it a second one: look for it before. Returns its path. Throws NoLoopDeviceError, NotWritableError and
 * CommandError.
 */
export async function attachLoop(
  file: string,
  { readOnly, timeoutMs }: LoopOptions & { readonly readOnly: boolean },
  exec: Run = run,
): Promise<string> {
  const mode = readOnly ? ['--read-only'] : [];
  try {
    const flags = ['--find', '--show', '--direct-io=on', `--sector-size=${sectorSize}`, ...mode];
    const output = await exec('losetup', [...flags, '--', file], { timeoutMs });
    const device = output.trim();
    // losetup opens for reading alone what it may not write to, and reports success.
    if (readOnly || !isReadOnly(device)) return device;
    await detachLoop(device, { timeoutMs }, exec);
    throw new NotWritableError(file);
  } catch (error) {
    if (error instanceof CommandError && /cannot find an unused loop device/.test(error.stderr)) {
      throw new NoLoopDeviceError({ cause: error });
    }
    throw error;
  }
}

/**
 * Takes a loop device's file away, and proves it. A device that is in use keeps its file until the last user has gone,
 * although losetup reports success (LOOP_CLR_FD, loop(4)); a list of all devices is such a user, for a moment. Throws
 * DeviceBusyError and CommandError.
 */
export async function detachLoop(device: string, { timeoutMs }: LoopOptions, exec: Run = run): Promise<void> {
  const file = backingFile(device);
  try {
    // Told once, it goes by itself; told again, it might have another's file by then.
    if (!isLeaving(device)) await exec('losetup', ['--detach', device], { timeoutMs });
  } catch (error) {
    if (backingFile(device) === undefined) return;
    throw error;
  }
  for (let look = 0; look < letGo.looks; look += 1) {
    if (backingFile(device) !== file) return;
    await delay(letGo.everyMs);
  }
  throw new DeviceBusyError(device);
}

/** What sysfs says of a loop device; asks no file system. Undefined where it has no file. */
export function backingFile(device: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/**
 * The number that the kernel gave to what a loop device has: another one each time it gets a file or loses it
 * (diskseq, Documentation/ABI/stable/sysfs-block, Linux 5.15). Undefined where it has no file, or the kernel has no
 * such number.
 */
export function sequenceOf(device: string): string | undefined {
  if (backingFile(device) === undefined) return undefined;
  try {
    return readFileSync(`/sys/block/${basename(device)}/diskseq`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Whether a loop device loses its file once its last user has gone (LO_FLAGS_AUTOCLEAR, loop(4)): it was told to let go
 * while it was in use, and may be another file's in the next moment. False for what is no loop device.
 */
export function isLeaving(device: string): boolean {
  try {
    return readFileSync(`/sys/block/${basename(device)}/loop/autoclear`, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

/** As sysfs has it (Documentation/ABI/stable/sysfs-block). */
function isReadOnly(device: string): boolean {
  return readFileSync(`/sys/block/${basename(device)}/ro`, 'utf8').trim() === '1';
}

/** The size of a block device in bytes, from sysfs. Undefined where there is none of that name. */
export function deviceSize(device: string): bigint | undefined {
  try {
    // In units of 512 bytes, whatever its blocks are (Documentation/ABI/stable/sysfs-block).
    return BigInt(readFileSync(`/sys/class/block/${basename(device)}/size`, 'utf8').trim()) * 512n;
  } catch {
    return undefined;
  }
}

/** Makes a loop device as large as its file is now. Throws CommandError. */
export async function growLoop(device: string, { timeoutMs }: LoopOptions, exec: Run = run): Promise<void> {
  await exec('losetup', ['--set-capacity', device], { timeoutMs });
}
