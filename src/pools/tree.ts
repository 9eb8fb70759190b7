import fs from 'node:fs';
import type { Gate, Start } from './gate.ts';

/**
 * A directory held open. Names below it are reached through /proc/self/fd, so that the kernel resolves just one
 * component: no round trips for the parents, and nobody can swap a parent for a symbolic link in between.
 */
export interface Dir {
  readonly fd: number;
  /** Calls that were begun on it and have not come back; with any, its number must not be used for another. */
  busy: number;
  closing: boolean;
  /** The path of a name in it; a name that is no valid UTF-8 is given as its bytes. */
  at(name: string | Buffer): string | Buffer;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** open(2): names a file without opening it, which needs no permission on it and no round trip. Node has no name for it. */
const O_PATH = 0o10000000;

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
  readonly #open = new Set<Dir>();

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
    const fd = await this.#run<number>(
      [dir],
      (done) => fs.open(dir.at(name), flags | O_DIRECTORY | O_NOFOLLOW, done),
      (late) => fs.close(late, () => {}),
    );
    const opened = dirOf(fd);
    this.#open.add(opened);
    return opened;
  }

  /**
   * Closes a directory, once every call on it has come back: a number that is free is given to the next directory
   * that is opened, and a call that is late would then work on that one. Nobody waits for the closing.
   */
  closeDir(dir: Dir): void {
    if (!this.#open.delete(dir)) return;
    dir.closing = true;
    if (dir.busy === 0) fs.close(dir.fd, () => {});
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

  /** Makes what was changed in these directories durable; nothing to do on NFS. */
  async sync(...dirs: readonly Dir[]): Promise<void> {
    if (!this.#needsSync) return;
    for (const dir of new Set(dirs)) await this.#run([dir], (done) => fs.fsync(dir.fd, done));
  }

  /** Closes every directory, each once nothing is under way on it. */
  abandon(): void {
    for (const dir of [...this.#open]) this.closeDir(dir);
  }

  #run<T>(dirs: readonly Dir[], start: Start<T>, dispose?: (value: T) => void): Promise<T> {
    for (const dir of dirs) dir.busy += 1;
    let begun = false;
    const begin: Start<T> = (done) => {
      begun = true;
      start((error, value) => {
        this.#release(dirs);
        done(error, value);
      });
    };
    const result = this.#gate.run(begin, dispose);
    // Refused before it was begun: it will never come back.
    result.catch(() => {
      if (!begun) this.#release(dirs);
    });
    return result;
  }

  #release(dirs: readonly Dir[]): void {
    for (const dir of dirs) {
      dir.busy -= 1;
      if (dir.busy === 0 && dir.closing) fs.close(dir.fd, () => {});
    }
  }
}
