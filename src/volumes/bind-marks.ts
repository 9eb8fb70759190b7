import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Notes on disk of binds that need two steps (first the mount, then its flags) and have not had both. A process
 * that is killed in between leaves a volume that looks published, but writable where it was asked read-only.
 */
export class BindMarks {
  readonly #directory: string;

  /** On a disk of this machine. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  set(target: string): void {
    const file = this.#file(target);
    try {
      writeFileSync(file, target);
    } catch {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(file, target);
    }
  }

  has(target: string): boolean {
    return existsSync(this.#file(target));
  }

  clear(target: string): void {
    rmSync(this.#file(target), { force: true });
  }

  #file(target: string): string {
    return join(this.#directory, createHash('sha256').update(target).digest('hex').slice(0, 32));
  }
}
