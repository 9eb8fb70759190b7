import { randomBytes } from 'node:crypto';
import { constants, lstatSync, readdirSync } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import type { Crew } from './crew.ts';
import { close, linkAt, makeDirAt, openAt, removeDirAt, unlinkAt } from './libc.ts';
import type { Tally } from './tally.ts';

/**
 * Keeps files with several names one file. Each is copied once, into a folder of its own in the copy where it is named
 * by its inode, and linked from there: so what is known of millions of them takes no memory.
 */
export class Links {
  readonly #root: number;
  readonly #crew: Crew;
  readonly #tally: Tally;
  readonly #copying = new Map<string, Promise<unknown>>();
  readonly #name = Buffer.from(`.berth-links-${randomBytes(9).toString('base64url')}`);
  #folder: number | undefined;

  /** `root`: of the copy. */
  constructor(root: number, crew: Crew, tally: Tally) {
    this.#root = root;
    this.#crew = crew;
    this.#tally = tally;
  }

  /** Gives a name of such a file to its copy. */
  async add({ from, to }: { readonly from: number; readonly to: number }, name: Buffer): Promise<void> {
    const path = Buffer.concat([Buffer.from(`/proc/self/fd/${from}/`), name]);
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return this.#tally.add('gone');
    const inode = stats.ino.toString();
    if (this.#link(inode, to, name, 'links')) return;
    let copying = this.#copying.get(inode);
    const isFirst = copying === undefined;
    copying ??= this.#copy(from, name, inode);
    await copying;
    if (!this.#link(inode, to, name, isFirst ? undefined : 'links')) this.#tally.add('gone');
  }

  /** Removes the folder; the copies keep their other names. */
  remove(): void {
    if (this.#folder === undefined) return;
    for (const name of readdirSync(`/proc/self/fd/${this.#folder}/`))
      unlinkAt(this.#folder, Buffer.from(name));
    close(this.#folder);
    removeDirAt(this.#root, this.#name);
    this.#folder = undefined;
  }

  async #copy(from: number, name: Buffer, inode: string): Promise<void> {
    const copying = this.#crew
      .give({ kind: 'file', from, name, to: this.#open(), as: Buffer.from(inode) })
      .then(({ done }) => done);
    this.#copying.set(inode, copying);
    try {
      await copying;
    } finally {
      this.#copying.delete(inode);
    }
  }

  #open(): number {
    if (this.#folder === undefined) {
      const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
      makeDirAt(this.#root, this.#name, 0o700);
      this.#folder = openAt(this.#root, this.#name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    }
    return this.#folder;
  }

  /** False where there is no copy of that inode. */
  #link(inode: string, to: number, name: Buffer, count: 'links' | undefined): boolean {
    if (this.#folder === undefined) return false;
    try {
      linkAt(this.#folder, Buffer.from(inode), to, name);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
    if (count !== undefined) this.#tally.add(count);
    return true;
  }
}
