import { BindFiles } from './bind-files.ts';

/**
 * Notes on disk of binds that need two steps (first the mount, then its flags) and have not had both. A process
 * that is killed in between leaves a volume that looks published, but writable where it was asked read-only.
 */
export class BindMarks {
  readonly #files: BindFiles;

  /** On a disk of this machine. */
  constructor(directory: string) {
    this.#files = new BindFiles(directory);
  }

  /** Throws INTERNAL where the disk does not take it. */
  set(target: string): void {
    this.#files.write(target, target);
  }

  has(target: string): boolean {
    return this.#files.read(target) !== undefined;
  }

  clear(target: string): void {
    this.#files.remove(target);
  }
}
