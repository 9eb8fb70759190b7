import { ways } from './ways.ts';

/**
 * What is counted of a copy: bytes; directories below the first; entries that are no files; further names of files;
 * what was gone before it was copied; and files, by the way in which they were copied.
 */
export const counted = ['bytes', 'directories', 'special', 'links', 'gone', ...ways] as const;
export type Counted = (typeof counted)[number];
export type Counts = Readonly<Record<Counted, number>>;

/** Counts what all threads of a copy do. */
export class Tally {
  /** For other threads to count with. */
  readonly shared: SharedArrayBuffer;
  readonly #numbers: BigInt64Array;

  constructor(shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT * counted.length)) {
    this.shared = shared;
    this.#numbers = new BigInt64Array(shared);
  }

  add(what: Counted, number = 1n): void {
    Atomics.add(this.#numbers, counted.indexOf(what), number);
  }

  get counts(): Counts {
    const of = (what: Counted) => Number(Atomics.load(this.#numbers, counted.indexOf(what)));
    return {
      bytes: of('bytes'),
      directories: of('directories'),
      special: of('special'),
      links: of('links'),
      gone: of('gone'),
      cloned: of('cloned'),
      server: of('server'),
      host: of('host'),
    };
  }
}
