import { type BigIntStats, chmodSync, constants, fstatSync, lstatSync } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import type { AttributeCopier } from './attributes.ts';
import type { ContentCopier } from './content.ts';
import { close, makeNodeAt, makeSymlinkAt, openAt, readLinkAt, setOwnerAt, setTimesAt } from './libc.ts';
import type { Way } from './ways.ts';

/** A name in an open directory. */
export interface Spot {
  readonly dir: number;
  readonly name: Buffer;
}

/**
 * What became of an entry. `special`: no file. `gone`: it was removed, or became a directory, while others were copied.
 * `linked`: a file with further names, which was left.
 */
export type Outcome = Way | 'special' | 'gone' | 'linked';

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_NOATIME } = constants;
/** open(2): names a file without opening it. Node has no name for it. */
const O_PATH = 0o10000000;
const permissions = 0o777n;
const modeBits = 0o7777n;

export interface EntryCopierOptions {
  readonly content: ContentCopier;
  readonly attributes: AttributeCopier;
  /** Whether a device that is opened there acts: on a file system without `nodev`. */
  readonly devices: boolean;
}

/** Copies what is no directory. */
export class EntryCopier {
  readonly #options: EntryCopierOptions;

  constructor(options: EntryCopierOptions) {
    this.#options = options;
  }

  /** `alone`: a file that has further names is left. */
  copy(from: Spot, to: Spot, { alone }: { readonly alone: boolean }): Outcome {
    let file: number;
    try {
      file = this.#open(from);
    } catch (error) {
      const stats = lstatSync(pathOf(from), { bigint: true, throwIfNoEntry: false });
      // Removed, or a directory by now: nothing of that kind was there when this one was listed.
      if (stats === undefined || stats.isDirectory()) return 'gone';
      // It is one, and cannot be read.
      if (stats.isFile()) throw error;
      return this.#copySpecial(from, to, stats);
    }
    try {
      const stats = fstatSync(file, { bigint: true });
      if (stats.isDirectory()) return 'gone';
      // A FIFO opens, too.
      if (!stats.isFile()) return this.#copySpecial(from, to, stats);
      if (alone && stats.nlink > 1n) return 'linked';
      return this.#copyFile(file, stats, to);
    } finally {
      close(file);
    }
  }

  #copyFile(file: number, stats: BigIntStats, to: Spot): Way {
    const flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    const copy = openAt(to.dir, to.name, flags, Number(stats.mode & permissions));
    try {
      const made = fstatSync(copy, { bigint: true });
      const way = stats.size === 0n ? 'cloned' : this.#options.content.copy(file, copy, stats);
      this.#options.attributes.copy(file, copy, stats, made);
      return way;
    } finally {
      // Throws what a server could not write.
      close(copy);
    }
  }

  /** Opens a file; fails for anything else. */
  #open({ dir, name }: Spot): number {
    if (!this.#options.devices) return openQuietly(dir, name, O_NOFOLLOW);
    const named = openAt(dir, name, O_PATH | O_NOFOLLOW);
    try {
      if (!fstatSync(named).isFile()) throw new Error('no file');
      return openQuietly(named, Buffer.from(`/proc/self/fd/${named}`), 0);
    } finally {
      close(named);
    }
  }

  #copySpecial(from: Spot, to: Spot, stats: BigIntStats): Outcome {
    const { mode, rdev, uid, gid } = stats;
    if (stats.isSymbolicLink()) makeSymlinkAt(to.dir, to.name, readLinkAt(from.dir, from.name));
    else makeNodeAt(to.dir, to.name, Number(mode), rdev);
    const made = lstatSync(pathOf(to), { bigint: true });
    if (made.uid !== uid || made.gid !== gid) setOwnerAt(to.dir, to.name, Number(uid), Number(gid));
    // The mode of a symbolic link means nothing, and cannot be set.
    if (!stats.isSymbolicLink() && made.mode !== mode) chmodSync(pathOf(to), Number(mode & modeBits));
    this.#options.attributes.copyExtended(pathOf(from), pathOf(to), mode);
    setTimesAt(to.dir, to.name, stats);
    return 'special';
  }
}

/** Not followed by the calls that are given it, where it is a link. */
function pathOf({ dir, name }: Spot): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name]);
}

/** Opens without waiting for anybody, and without a trace where that may be. */
function openQuietly(dir: number, name: Buffer, flags: number): number {
  const all = flags | O_RDONLY | O_NONBLOCK | O_NOCTTY;
  try {
    return openAt(dir, name, all | O_NOATIME);
  } catch (error) {
    // Of another user, and this one is not root on the server (open(2), O_NOATIME).
    if (!isErrno(error, 'EPERM')) throw error;
    return openAt(dir, name, all);
  }
}
