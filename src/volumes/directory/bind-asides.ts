import { createHash } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { unmount } from '../../host/mount.ts';
import { mountsBelow } from '../../host/mountinfo.ts';
import { unwritable } from '../keyed-files.ts';

/** Directories in which volumes are mounted for a moment, with their flags, before they are bound to their targets. */
export class BindAsides {
  readonly #directory: string;
  /** Begun at once: a node may get no volume with flags any more, and what was left keeps its pool in use. */
  readonly #swept: Promise<void>;

  /** On a disk of this machine; made when it is needed. */
  constructor(directory: string) {
    this.#directory = directory;
    // Whoever reads the mount table next tells that it cannot be read.
    this.#swept = this.#sweep().catch(() => {});
  }

  /** One for this target, which nobody else may use until it is removed. Throws INTERNAL where the disk has no room. */
  async make(target: string): Promise<string> {
    await this.#swept;
    const path = this.#pathOf(target);
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unwritable(error);
    }
    return path;
  }

  /** One that is still mounted stays, for the next process to sweep. */
  remove(target: string): void {
    try {
      rmdirSync(this.#pathOf(target));
    } catch {
      // An empty directory does no harm.
    }
  }

  /** Unmounts what a process that was killed has left: the pool's file system would stay in use by it. */
  async #sweep(): Promise<void> {
    for (const { mountPoint } of mountsBelow(this.#directory)) {
      // One that stays has no effect but that.
      await unmount(mountPoint, { force: false }).catch(() => {});
    }
  }

  #pathOf(target: string): string {
    return join(this.#directory, createHash('sha256').update(target).digest('hex').slice(0, 32));
  }
}
