import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/errno.ts';

/** Of the files; said, since a driver's umask is 0. */
const mode = 0o600;
/** Ends the name of a file that is being written. */
const unfinished = '.new';

/** Small files in one directory, each under a key of any length and content: a path, a volume's id. */
export class KeyedFiles {
  readonly #directory: string;

  /** On a disk of this machine; made when the first file is written. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws INTERNAL where the disk does not take it. */
  write(key: string, content: string): void {
    const file = this.#file(key);
    try {
      try {
        replaceFile(file, content);
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
        mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
        replaceFile(file, content);
      }
    } catch (error) {
      throw unwritable(error);
    }
  }

  /** Undefined where there is none. */
  read(key: string): string | undefined {
    return readIfThere(this.#file(key));
  }

  /** The content of all files. */
  all(): string[] {
    let names: readonly string[];
    try {
      names = readdirSync(this.#directory);
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
      throw error;
    }
    return names
      .filter((name) => !name.endsWith(unfinished))
      .flatMap((name) => readIfThere(join(this.#directory, name)) ?? []);
  }

  /** None there is fine. Throws INTERNAL where the disk does not let it go. */
  remove(key: string): void {
    try {
      for (const end of ['', unfinished]) rmSync(this.#file(key) + end, { force: true });
    } catch (error) {
      if (!isErrno(error, 'ENOTDIR')) throw unwritable(error);
    }
  }

  #file(key: string): string {
    return join(this.#directory, createHash('sha256').update(key).digest('hex').slice(0, 32));
  }
}

/** A driver that is killed meanwhile leaves the old content, or the new one. */
function replaceFile(file: string, content: string): void {
  writeFileSync(file + unfinished, content, { mode });
  renameSync(file + unfinished, file);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** The error for a state directory that takes nothing. */
export function unwritable(error: unknown): CsiError {
  const why = isErrno(error) ? ` (${error.code})` : '';
  return new CsiError(
    status.INTERNAL,
    'state-dir-unwritable',
    `The driver's state directory on this node cannot be written to${why}; make room on its disk, ` +
      'or correct --state-dir.',
    { cause: error },
  );
}
