import { fstatSync } from 'node:fs';
import { AttributeCopier } from './attributes.ts';
import { ContentCopier } from './content.ts';
import { EntryCopier } from './entry.ts';
import { serverCopiesOf } from './server-copies.ts';
import { Tally } from './tally.ts';

/** Directories are given by their descriptors, which the threads of a process share. */
export type Work =
  /** Entries of a directory that are no directories. */
  | {
      readonly kind: 'entries';
      readonly from: number;
      readonly to: number;
      readonly names: readonly Uint8Array[];
    }
  /** One file that has further names, under a name of its own. */
  | {
      readonly kind: 'file';
      readonly from: number;
      readonly name: Uint8Array;
      readonly to: number;
      readonly as: Uint8Array;
    }
  /** A directory's own attributes, once all that is in it was made. */
  | { readonly kind: 'attributes'; readonly from: number; readonly to: number };

/** What a thread is started with. */
export interface ThreadStart {
  readonly tally: SharedArrayBuffer;
  /** Something open on the file system that is copied on. */
  readonly on: number;
  /** Whether a device that is opened there acts: on a file system without `nodev`. */
  readonly devices: boolean;
}

/** What one thread does. */
export class ThreadWork {
  readonly #entries: EntryCopier;
  readonly #attributes = new AttributeCopier();
  readonly #tally: Tally;

  constructor({ tally, on, devices }: ThreadStart) {
    this.#tally = new Tally(tally);
    const content = new ContentCopier(serverCopiesOf(on), (bytes) => this.#tally.add('bytes', bytes));
    this.#entries = new EntryCopier({ content, attributes: this.#attributes, devices });
  }

  /** Gives the names of the files that have further names, and were left. */
  do(work: Work): Uint8Array[] {
    switch (work.kind) {
      case 'entries':
        return work.names.filter((name) => this.#copy(work, name, name, true));
      case 'file':
        this.#copy(work, work.name, work.as, false);
        return [];
      case 'attributes': {
        const [wanted, made] = [work.from, work.to].map((fd) => fstatSync(fd, { bigint: true }));
        if (wanted !== undefined && made !== undefined)
          this.#attributes.copy(work.from, work.to, wanted, made);
        return [];
      }
    }
  }

  /** True for a file that was left. */
  #copy(dirs: { from: number; to: number }, name: Uint8Array, as: Uint8Array, alone: boolean): boolean {
    const [from, to] = [
      { dir: dirs.from, name: Buffer.from(name) },
      { dir: dirs.to, name: Buffer.from(as) },
    ];
    const outcome = this.#entries.copy(from, to, { alone });
    if (outcome === 'linked') return true;
    this.#tally.add(outcome);
    return false;
  }
}
