import { constants, fstatSync, opendirSync } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import type { Crew, Left } from './crew.ts';
import { close, makeDirAt, openAt } from './libc.ts';
import { Links } from './links.ts';
import type { Tally } from './tally.ts';

/** A directory that is copied, and its copy; both are open. */
export interface Pair {
  readonly from: number;
  readonly to: number;
}

/** Entries that one thread gets at once. */
const batchSize = 32;
/** Of a directory while it is filled. */
const ownMode = 0o700;
/** What is given away and not done yet; each may hold two descriptors. */
const mostUnderWay = 64;

/**
 * Copies a tree. Each directory is entered by its name in the one above, which is open, so that no path is too long and
 * no link in the way. What other file systems have mounted in it stays out, but for the directory that they cover.
 */
export class TreeCopier {
  readonly #root: Pair;
  readonly #crew: Crew;
  readonly #tally: Tally;
  readonly #links: Links;
  readonly #device: bigint;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #failed = Promise.withResolvers<never>();

  constructor(root: Pair, crew: Crew, tally: Tally) {
    this.#root = root;
    this.#crew = crew;
    this.#tally = tally;
    this.#links = new Links(root.to, crew, tally);
    this.#device = fstatSync(root.from, { bigint: true }).dev;
  }

  async copy(): Promise<void> {
    await Promise.race([this.#copyAll(), this.#failed.promise]);
  }

  async #copyAll(): Promise<void> {
    const { subdirectories, filled } = await this.#fill(this.#root);
    await this.#watch(filled);
    for (const name of subdirectories) await this.#copyBelow(this.#root, name);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    // Changes the root's times, so those come last.
    this.#links.remove();
    await this.#finish(this.#root);
  }

  async #copyBelow(above: Pair, name: Buffer): Promise<void> {
    const pair = openBoth(above, name);
    if (pair === undefined) return this.#tally.add('gone');
    const { subdirectories, filled } = await this.#fill(pair);
    const finished = filled.then(() => this.#finish(pair));
    await this.#watch(finished);
    for (const below of subdirectories) await this.#copyBelow(pair, below);
    await this.#watch(
      finished.then(() => {
        close(pair.from);
        close(pair.to);
      }),
    );
  }

  /** Copies what is in a directory, and makes the directories in it; they are filled later. */
  async #fill(pair: Pair): Promise<{ subdirectories: Buffer[]; filled: Promise<unknown> }> {
    const subdirectories: Buffer[] = [];
    const given: Promise<void>[] = [];
    let names: Buffer[] = [];
    const give = async () => {
      const { done } = await this.#crew.give({ kind: 'entries', ...pair, names });
      given.push(done.then((left) => this.#linkAll(pair, left)));
      names = [];
    };
    // Another file system's.
    const isCovered = fstatSync(pair.from, { bigint: true }).dev !== this.#device;
    for (const { name, isDirectory } of isCovered ? [] : entriesOf(pair.from)) {
      if (isDirectory) subdirectories.push(name);
      else if (names.push(name) === batchSize) await give();
    }
    if (names.length > 0) await give();
    for (const name of subdirectories) {
      makeDirAt(pair.to, name, ownMode);
      this.#tally.add('directories');
    }
    return { subdirectories, filled: Promise.all(given) };
  }

  async #linkAll(pair: Pair, left: Left): Promise<void> {
    await Promise.all(left.map((name) => this.#links.add(pair, Buffer.from(name))));
  }

  async #finish(pair: Pair): Promise<void> {
    const { done } = await this.#crew.give({ kind: 'attributes', ...pair });
    await done;
  }

  /** Lets something go on, unless too much does; its failure is the copy's. */
  async #watch(work: Promise<unknown>): Promise<void> {
    const watched: Promise<unknown> = work.catch((error: unknown) => this.#failed.reject(error));
    this.#underWay.add(watched);
    void watched.then(() => this.#underWay.delete(watched));
    while (this.#underWay.size > mostUnderWay) await Promise.race(this.#underWay);
  }
}

/** Undefined where it was removed, or is no directory any more. */
function openBoth({ from, to }: Pair, name: Buffer): Pair | undefined {
  try {
    const source = openDirectory(from, name);
    return { from: source, to: openDirectory(to, name) };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

function openDirectory(dir: number, name: Buffer): number {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  return openAt(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/** What is in a directory, in no order, a few at a time: it may be a million. */
function* entriesOf(fd: number): Generator<{ readonly name: Buffer; readonly isDirectory: boolean }> {
  // Names need not be UTF-8. The types leave out that this is possible here too (fs.opendir, `encoding`).
  const encoding = 'buffer' as BufferEncoding;
  const dir = opendirSync(`/proc/self/fd/${fd}/`, { encoding, bufferSize: 128 });
  try {
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
      yield { name: entry.name as unknown as Buffer, isDirectory: entry.isDirectory() };
    }
  } finally {
    dir.closeSync();
  }
}
