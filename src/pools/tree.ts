import fs from 'node:fs';
import type { Gate } from './gate.ts';

/**
 * A directory held open. Names below it are reached through /proc/self/fd, so that the kernel resolves just one
 * component: no round trips for the parents, and nobody can swap a parent for a symbolic link in between.
 */
export interface Dir {
  readonly fd: number;
  /** The path of a name in it; a name that is no valid UTF-8 is given as its bytes. */
  at(name: string | Buffer): string | Buffer;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

export function dirOf(fd: number): Dir {
  const base = `/proc/self/fd/${fd}/`;
  return {
    fd,
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
  readonly #open = new Set<number>();

  constructor(gate: Gate, rootFd: number, needsSync: boolean) {
    this.#gate = gate;
    this.root = dirOf(rootFd);
    this.#open.add(rootFd);
    this.#needsSync = needsSync;
  }

  /** Makes a directory with exactly these permission bits (the process runs with umask 0). */
  mkdir(dir: Dir, name: string, mode: number): Promise<void> {
    return this.#gate.run((done) => fs.mkdir(dir.at(name), mode, (error) => done(error)));
  }

  rmdir(dir: Dir, name: string | Buffer): Promise<void> {
    return this.#gate.run((done) => fs.rmdir(dir.at(name), done));
  }

  /** Makes a symbolic link; exclusive, atomic, and on NFS durable at once. */
  symlink(dir: Dir, name: string, target: string): Promise<void> {
    return this.#gate.run((done) => fs.symlink(target, dir.at(name), done));
  }

  readlink(dir: Dir, name: string): Promise<string> {
    return this.#gate.run<string>((done) => fs.readlink(dir.at(name), done));
  }

  unlink(dir: Dir, name: string | Buffer): Promise<void> {
    return this.#gate.run((done) => fs.unlink(dir.at(name), done));
  }

  rename(from: Dir, name: string | Buffer, to: Dir, newName: string): Promise<void> {
    return this.#gate.run((done) => fs.rename(from.at(name), to.at(newName), done));
  }

  lstat(dir: Dir, name: string): Promise<fs.BigIntStats> {
    return this.#gate.run<fs.BigIntStats>((done) => fs.lstat(dir.at(name), { bigint: true }, done));
  }

  /** Names in a directory, in no order. */
  list(dir: Dir, name: string): Promise<string[]> {
    return this.#gate.run<string[]>((done) => fs.readdir(dir.at(name), done));
  }

  entries(dir: Dir, name: string): Promise<fs.Dirent<Buffer>[]> {
    return this.#gate.run<fs.Dirent<Buffer>[]>((done) =>
      fs.readdir(dir.at(name), { withFileTypes: true, encoding: 'buffer' }, done),
    );
  }

  statfs(dir: Dir): Promise<fs.BigIntStatsFs> {
    return this.#gate.run<fs.BigIntStatsFs>((done) => fs.statfs(dir.at('.'), { bigint: true }, done));
  }

  /** Opens a directory below this one; ENOTDIR or ELOOP where the name is a symbolic link. */
  async openDir(dir: Dir, name: string | Buffer): Promise<Dir> {
    const fd = await this.#gate.run<number>((done) =>
      fs.open(dir.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, done),
    );
    this.#open.add(fd);
    return dirOf(fd);
  }

  async closeDir(dir: Dir): Promise<void> {
    if (!this.#open.delete(dir.fd)) return;
    await this.#gate.run((done) => fs.close(dir.fd, done));
  }

  /** Sets permission bits and owner of a directory through a descriptor, so that no link is followed. */
  async setOwner(dir: Dir, attributes: { mode?: number; uid?: number; gid?: number }): Promise<void> {
    const { mode, uid, gid } = attributes;
    // -1 leaves an owner as it is (chown(2)). The owner goes first: chown clears the setuid bits.
    if (uid !== undefined || gid !== undefined) {
      await this.#gate.run((done) => fs.fchown(dir.fd, uid ?? -1, gid ?? -1, done));
    }
    if (mode !== undefined) await this.#gate.run((done) => fs.fchmod(dir.fd, mode, done));
  }

  /** Makes what was changed in these directories durable; nothing to do on NFS. */
  async sync(...dirs: readonly Dir[]): Promise<void> {
    if (!this.#needsSync) return;
    for (const dir of new Set(dirs)) await this.#gate.run((done) => fs.fsync(dir.fd, done));
  }

  /** Closes every descriptor without waiting: closing on a dead share may take as long as any other call. */
  abandon(): void {
    for (const fd of this.#open) fs.close(fd, () => {});
    this.#open.clear();
  }
}
