import fs from 'node:fs';
import { allocate, type Range } from '../host/allocate.ts';
import type { BlocksLine, BlocksRequest } from '../host/blocks/lines.ts';
import { listBlocks } from '../host/blocks/list-blocks.ts';
import { type CopyOptions, type Counts, runCopy } from '../host/copy/copier.ts';
import type { ProgramOptions } from '../host/program/run-program.ts';
import { asSystemError } from '../host/system-error.ts';
import type { Gate, Start } from './gate.ts';

/** Something held open. */
export interface Held {
  readonly fd: number;
  /** Calls that were begun on it and have not come back; with any, its number must not be used for another. */
  busy: number;
  closing: boolean;
}

/**
 * A directory held open. Names below it are reached through /proc/self/fd, so that the kernel resolves just one
 * component: no round trips for the parents, and nobody can swap a parent for a symbolic link in between.
 */
export interface Dir extends Held {
  /** The path of a name in it; a name that is no valid UTF-8 is given as its bytes. */
  at(name: string | Buffer): string | Buffer;
}

/** A name in a directory. */
export interface Named {
  readonly dir: Dir;
  readonly name: string;
}

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/**
 * open(2): names a file without opening it, which needs no permission on it and no round trip. Node has no name for it.
 */
const O_PATH = 0o10000000;

/** A server may have to write zeros. */
const allocateLimitMs = 300_000;

export function dirOf(fd: number): Dir {
  const base = `/proc/self/fd/${fd}/`;
  return {
    fd,
    busy: 0,
    closing: false,
    at: (name) => (typeof name === 'string' ? base + name : Buffer.concat([Buffer.from(base), name])),
  };
}

/**
 * Bounded access to a pool's directory tree: the calls of node:fs that Berth needs, each through the pool's
 * gate. They fail with the errno of the call, or with the gate's error while the pool is shut.
 */
export class Tree {
  readonly root: Dir;
  readonly #gate: Gate;
  /** False on NFS, where the server has made a change durable before it answers (RFC 8881, section 18). */
  readonly #needsSync: boolean;
  readonly #open = new Set<Held>();

  constructor(gate: Gate, rootFd: number, needsSync: boolean) {
    this.#gate = gate;
    this.root = dirOf(rootFd);
    this.#open.add(this.root);
    this.#needsSync = needsSync;
  }

  /** Makes a directory with exactly these permission bits (the process runs with umask 0). */
  mkdir(dir: Dir, name: string, mode: number): Promise<void> {
    return this.#run([dir], (done) => fs.mkdir(dir.at(name), mode, (error) => done(error)));
  }

  rmdir(dir: Dir, name: string | Buffer): Promise<void> {
    return this.#run([dir], (done) => fs.rmdir(dir.at(name), done));
  }

  /** Makes a symbolic link; exclusive, atomic, and on NFS durable at once. */
  symlink(dir: Dir, name: string, target: string): Promise<void> {
    return this.#run([dir], (done) => fs.symlink(target, dir.at(name), done));
  }

  readlink(dir: Dir, name: string): Promise<string> {
    return this.#run<string>([dir], (done) => fs.readlink(dir.at(name), done));
  }

  /** Sets both times of a symbolic link itself. */
  setLinkTime(dir: Dir, name: string, time: Date): Promise<void> {
    return this.#run([dir], (done) => fs.lutimes(dir.at(name), time, time, done));
  }

  unlink(dir: Dir, name: string | Buffer): Promise<void> {
    return this.#run([dir], (done) => fs.unlink(dir.at(name), done));
  }

  rename(from: Dir, name: string | Buffer, to: Dir, newName: string): Promise<void> {
    return this.#run([from, to], (done) => fs.rename(from.at(name), to.at(newName), done));
  }

  lstat(dir: Dir, name: string): Promise<fs.BigIntStats> {
    return this.#run<fs.BigIntStats>([dir], (done) => fs.lstat(dir.at(name), { bigint: true }, done));
  }

  /** Names in a directory, in no order. */
  list(dir: Dir, name: string): Promise<string[]> {
    return this.#run<string[]>([dir], (done) => fs.readdir(dir.at(name), done));
  }

  entries(dir: Dir, name: string): Promise<fs.Dirent<Buffer>[]> {
    return this.#run<fs.Dirent<Buffer>[]>([dir], (done) =>
      fs.readdir(dir.at(name), { withFileTypes: true, encoding: 'buffer' }, done),
    );
  }

  statfs(dir: Dir): Promise<fs.BigIntStatsFs> {
    return this.#run<fs.BigIntStatsFs>([dir], (done) => fs.statfs(dir.at('.'), { bigint: true }, done));
  }

  /** Opens a directory below this one; ENOTDIR or ELOOP where the name is a symbolic link. */
  openDir(dir: Dir, name: string | Buffer): Promise<Dir> {
    return this.#openDir(dir, name, O_RDONLY);
  }

  /** Opens a directory as `openDir` does, but only to set its attributes. */
  openForAttributes(dir: Dir, name: string): Promise<Dir> {
    // What needs a sync has to be opened for real.
    return this.#openDir(dir, name, this.#needsSync ? O_RDONLY : O_PATH);
  }

  async #openDir(dir: Dir, name: string | Buffer, flags: number): Promise<Dir> {
    const opened = dirOf(await this.#openFd(dir, name, flags | O_DIRECTORY, 0));
    this.#open.add(opened);
    return opened;
  }

  /** Makes a file to read and write; EEXIST where the name is taken. */
  makeFile(dir: Dir, name: string, mode: number): Promise<Held> {
    return this.#openFile(dir, name, O_CREAT | O_EXCL, mode);
  }

  /** Opens a file to read and write; ELOOP where the name is a symbolic link, EISDIR for a directory. */
  openFile(dir: Dir, name: string): Promise<Held> {
    return this.#openFile(dir, name, 0, 0);
  }

  async #openFile(dir: Dir, name: string, flags: number, mode: number): Promise<Held> {
    const opened = { fd: await this.#openFd(dir, name, flags | O_RDWR, mode), busy: 0, closing: false };
    this.#open.add(opened);
    return opened;
  }

  #openFd(dir: Dir, name: string | Buffer, flags: number, mode: number): Promise<number> {
    return this.#run<number>(
      [dir],
      (done) => fs.open(dir.at(name), flags | O_NOFOLLOW, mode, done),
      (late) => fs.close(late, () => {}),
    );
  }

  /** Attributes of what is held open; on NFS those of the server, when it was opened or later. */
  stat(held: Held): Promise<fs.BigIntStats> {
    return this.#run<fs.BigIntStats>([held], (done) => fs.fstat(held.fd, { bigint: true }, done));
  }

  /** Sets the size of a file, in bytes; what is added reads as zeros and takes no space. */
  setSize(file: Held, size: bigint): Promise<void> {
    return this.#run([file], (done) => fs.ftruncate(file.fd, Number(size), done));
  }

  /** Takes the space for a part of a file at once; see host/allocate.ts. Not bounded by the gate, but in time. */
  async allocate(file: Held, range: Range): Promise<void> {
    const path = `/proc/${process.pid}/fd/${file.fd}`;
    return this.#apart([file], () => allocate(path, range, { timeoutMs: allocateLimitMs }));
  }

  /**
   * Work of a child process. It has no descriptor of this one, whose magic links lead to the same files (proc(5)). It
   * fails as a call of this process does.
   */
  async #apart<T>(on: readonly Held[], work: () => Promise<T>): Promise<T> {
    for (const held of on) held.busy += 1;
    try {
      return await work();
    } catch (error) {
      throw asSystemError(error);
    } finally {
      this.#release(on);
    }
  }

  /**
   * Copies a tree or a file to a name that is free; see host/copy/copier.ts. Not bounded by the gate, but ended where it
   * does not go on.
   */
  copy(kind: 'tree' | 'file', from: Named, to: Named, options?: CopyOptions): Promise<Counts> {
    const { dir: fromDir, name } = from;
    const { dir: toDir, name: copy } = to;
    const request = { kind, fromDir: fromDir.fd, name, toDir: toDir.fd, copy };
    return this.#apart([fromDir, toDir], () => runCopy(request, options));
  }

  /** Looks at the blocks of a file in this directory; see host/blocks/list-blocks.ts. Bounded as a copy is. */
  async *blocks(
    dir: Dir,
    request: BlocksRequest,
    options?: ProgramOptions,
  ): AsyncGenerator<BlocksLine, void, undefined> {
    dir.busy += 1;
    try {
      yield* listBlocks(dir.fd, request, options);
    } finally {
      this.#release([dir]);
    }
  }

  /** Gives a file a further name; EEXIST where that is taken. */
  link(from: Dir, name: string, to: Dir, newName: string): Promise<void> {
    return this.#run([from, to], (done) => fs.link(from.at(name), to.at(newName), done));
  }

  /**
   * Closes what is held open, once every call on it has come back: a number that is free is given to the next one
   * that is opened, and a call that is late would then work on that one. Nobody waits for the closing.
   */
  close(held: Held): void {
    if (!this.#open.delete(held)) return;
    held.closing = true;
    if (held.busy === 0) fs.close(held.fd, () => {});
  }

  /** Sets the owner of a directory that was opened for its attributes; undefined leaves it as it is. */
  setOwner(dir: Dir, uid: number | undefined, gid: number | undefined): Promise<void> {
    // -1 leaves an owner as it is (chown(2)). By the descriptor's own path no link is followed.
    return this.#run([dir], (done) => fs.chown(`/proc/self/fd/${dir.fd}`, uid ?? -1, gid ?? -1, done));
  }

  /** Sets the permission bits of a directory that was opened for its attributes. */
  setMode(dir: Dir, mode: number): Promise<void> {
    return this.#run([dir], (done) => fs.chmod(`/proc/self/fd/${dir.fd}`, mode, done));
  }

  /** Makes what was changed in these directories, or of these files, durable; nothing to do on NFS. */
  async sync(...all: readonly Held[]): Promise<void> {
    if (!this.#needsSync) return;
    for (const held of new Set(all)) await this.#run([held], (done) => fs.fsync(held.fd, done));
  }

  /** Closes all that is held open, each once nothing is under way on it. */
  abandon(): void {
    for (const held of [...this.#open]) this.close(held);
  }

  #run<T>(on: readonly Held[], start: Start<T>, dispose?: (value: T) => void): Promise<T> {
    for (const held of on) held.busy += 1;
    let begun = false;
    const begin: Start<T> = (done) => {
      begun = true;
      try {
        start((error, value) => {
          this.#release(on);
          done(error, value);
        });
      } catch (error) {
        this.#release(on);
        throw error;
      }
    };
    const result = this.#gate.run(begin, dispose);
    // Refused before it was begun: it will never come back.
    result.catch(() => {
      if (!begun) this.#release(on);
    });
    return result;
  }

  #release(all: readonly Held[]): void {
    for (const held of all) {
      held.busy -= 1;
      if (held.busy === 0 && held.closing) fs.close(held.fd, () => {});
    }
  }
}
