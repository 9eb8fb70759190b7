import { allEnded } from '../all-ended.ts';
import { CommandError } from './command-error.ts';
import { deviceSize, EmptyDeviceError } from './loop.ts';
import { type Run, run } from './run.ts';

/** What was found on a block device. */
export type DeviceContent =
  /** Proven: the beginning and the end are zeros, and no signature was found. */
  | { readonly kind: 'blank' }
  /** `size`: of the filesystem, in bytes, where blkid tells it. */
  | { readonly kind: 'filesystem'; readonly type: string; readonly size: bigint | undefined }
  /** A partition table, a RAID member, ...: `what` is blkid's name of it. */
  | { readonly kind: 'other'; readonly what: string }
  /** Data without a signature that blkid knows. */
  | { readonly kind: 'unknown' };

/** So much is looked at at both ends: any signature that blkid knows of lies there. */
const lookedAt = 1024n * 1024n;

export interface ContentOptions {
  /** For each command, in milliseconds. */
  readonly timeoutMs: number;
  /** A hint: it is looked at as one that is blank, and all at once. */
  readonly looksBlank?: boolean;
}

/**
 * Finds out what a block device holds. Only what cannot be doubted is called blank. Throws CommandError where it could
 * not be read: blkid's own exit status for "nothing found" also means that (blkid(8)).
 */
export async function contentOf(
  device: string,
  { timeoutMs, looksBlank = false }: ContentOptions,
  exec: Run = run,
): Promise<DeviceContent> {
  const size = deviceSize(device);
  if (size === undefined || size === 0n) throw new EmptyDeviceError(device);
  if (looksBlank) {
    // That it can be read is proven by the reads of its ends.
    const [isBlank, found] = await allEnded([
      isZero(device, size, timeoutMs, exec),
      probe(device, timeoutMs, exec),
    ]);
    return found ?? { kind: isBlank ? 'blank' : 'unknown' };
  }
  const found = await probe(device, timeoutMs, exec);
  if (found !== undefined) return found;
  if (!(await isZero(device, size, timeoutMs, exec))) return { kind: 'unknown' };
  // Once more, after the reads went well: the first answer may have been that of an error.
  return (await probe(device, timeoutMs, exec)) ?? { kind: 'blank' };
}

/** Undefined: nothing was found, or nothing could be read. */
async function probe(device: string, timeoutMs: number, exec: Run): Promise<DeviceContent | undefined> {
  let output: string;
  try {
    output = await exec('blkid', ['--probe', '--output', 'export', '--', device], { timeoutMs });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exitCode === 2) return undefined;
    // Several signatures that contradict each other.
    if (error.exitCode === 8) return { kind: 'other', what: 'more than one signature' };
    throw error;
  }
  const tags = new Map(output.split('\n').map((line) => split(line)));
  const type = tags.get('TYPE');
  if (type !== undefined && tags.get('USAGE') === 'filesystem') {
    const [blocks, blockSize] = [tags.get('FSLASTBLOCK'), tags.get('FSBLOCKSIZE')];
    const size = blocks && blockSize ? BigInt(blocks) * BigInt(blockSize) : undefined;
    return { kind: 'filesystem', type, size };
  }
  return { kind: 'other', what: type ?? tags.get('PTTYPE') ?? 'something' };
}

function split(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

/** Whether both ends of a device are zeros. Throws CommandError where they cannot be read. */
async function isZero(device: string, size: bigint, timeoutMs: number, exec: Run): Promise<boolean> {
  const head = size < lookedAt ? size : lookedAt;
  const [atStart, atEnd] = await allEnded([
    isZeroFrom(device, 0n, head, timeoutMs, exec),
    isZeroFrom(device, size - head, head, timeoutMs, exec),
  ]);
  return atStart && atEnd;
}

/** Whether all of a device is zeros; reads all of it. Throws CommandError where it cannot be read in this time. */
export function isZeroThroughout(
  device: string,
  { timeoutMs }: { readonly timeoutMs: number },
  exec: Run = run,
): Promise<boolean> {
  return isZeroFrom(device, 0n, deviceSize(device) ?? 0n, timeoutMs, exec);
}

async function isZeroFrom(
  device: string,
  skip: bigint,
  bytes: bigint,
  timeoutMs: number,
  exec: Run,
): Promise<boolean> {
  const args = [`--ignore-initial=${skip}:0`, `--bytes=${bytes}`, '--', device, '/dev/zero'];
  try {
    await exec('cmp', ['--quiet', ...args], { timeoutMs });
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 1) return false;
    throw error;
  }
}
