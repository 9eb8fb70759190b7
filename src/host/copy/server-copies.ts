import { readFileSync } from 'node:fs';
import { isNfs, type Mount } from '../mountinfo.ts';
import { mountOf } from './mount-of.ts';

/** Whether copy_file_range(2) into a file spares this process' machine the bytes. */
export interface ServerCopies {
  /** Whether it is worth a try. */
  readonly possible: boolean;
  /** After a copy that succeeded: whether it did. Where it did not, it is not possible any more. */
  confirm(): boolean;
}

/** A local file system copies within the kernel. */
const local: ServerCopies = { possible: true, confirm: () => true };

/** Of the file system that something open lies on. */
export function serverCopiesOf(fd: number): ServerCopies {
  const mount = mountOf(fd);
  return mount !== undefined && isNfs(mount) ? new NfsCopies(mount) : local;
}

/**
 * NFS has COPY since version 4.2, and a server may refuse it; the kernel then reads and writes itself and tells nobody.
 * So the client's own counters are asked once, after the first copy.
 */
class NfsCopies implements ServerCopies {
  readonly #mount: Mount;
  readonly #before: number;
  possible: boolean;
  #confirmed = false;

  constructor(mount: Mount) {
    this.#mount = mount;
    this.possible = /(^|,)vers=4\.[2-9]/.test(mount.superOptions);
    this.#before = this.possible ? countCopies(mount) : 0;
  }

  confirm(): boolean {
    if (this.#confirmed) return true;
    this.#confirmed = countCopies(this.#mount) > this.#before;
    this.possible = this.#confirmed;
    return this.#confirmed;
  }
}

/** COPY operations of a mount that were successful, as /proc/self/mountstats has them. */
function countCopies({ mountPoint }: Mount): number {
  return copiesIn(readFileSync('/proc/self/mountstats', 'utf8'), mountPoint);
}

/** Each operation's line has eight counters, the first of them all that were sent, and the errors last. */
export function copiesIn(mountstats: string, mountPoint: string): number {
  const escaped = mountPoint.replace(
    /[ \t\n\\]/g,
    (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  const sections = mountstats.split(/^device /m);
  const section = sections.findLast((text) => text.includes(` mounted on ${escaped} with `));
  const [, counters = ''] = /^\s*COPY: ([\d ]+)$/m.exec(section ?? '') ?? [];
  const numbers = counters.split(' ').map(Number);
  return (numbers[0] ?? 0) - (numbers[8] ?? 0);
}
