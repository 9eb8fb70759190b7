import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import { clone, copyRange, nextData, nextHole } from './libc.ts';
import type { ServerCopies } from './server-copies.ts';
import type { Way } from './ways.ts';

/** Refused for this file system, or for these two files. */
const cannotClone = ['EOPNOTSUPP', 'ENOTSUP', 'EINVAL', 'ENOTTY', 'ENOSYS', 'EXDEV', 'ETXTBSY'];
const cannotCopy = [...cannotClone, 'EBADF', 'EPERM'];

/** As much at once as copy_file_range(2) takes, so that a progress can be told. */
const rangeBytes = 256n * 1024n * 1024n;
const chunkBytes = 1024 * 1024;

/** Copies the content of files, in the best way that their file system has. */
export class ContentCopier {
  readonly #server: ServerCopies;
  /** Told of bytes as they are copied. */
  readonly #copied: (bytes: bigint) => void;
  #clones = true;
  #chunk: Buffer | undefined;

  constructor(server: ServerCopies, copied: (bytes: bigint) => void) {
    this.#server = server;
    this.#copied = copied;
  }

  /**
   * Copies `size` bytes, or what the file has of them, into an empty one. Holes stay holes where the file system tells
   * of them; where this process reads and writes, so do blocks of zeros.
   */
  copy(from: number, to: number, size: bigint): Way {
    if (this.#clones) {
      try {
        clone(from, to);
        this.#copied(size);
        return 'cloned';
      } catch (error) {
        if (!isErrno(error, ...cannotClone)) throw error;
        // One file may be refused for itself (ioctl_ficlonerange(2), EINVAL); the others are not.
        if (!isErrno(error, 'EINVAL', 'ETXTBSY')) this.#clones = false;
      }
    }
    const way = this.#copyData(from, to, size);
    // What is left is a hole, or was cut off meanwhile.
    ftruncateSync(to, Number(size));
    return way;
  }

  #copyData(from: number, to: number, size: bigint): Way {
    let way: Way = this.#server.possible ? 'server' : 'host';
    for (let offset = 0n; offset < size; ) {
      const start = nextData(from, offset);
      if (start === undefined || start >= size) break;
      const hole = nextHole(from, start);
      const end = hole < size ? hole : size;
      const copied = this.#server.possible && this.#copyRanges(from, to, start, end);
      if (!copied) this.#readAndWrite(from, to, start, end);
      if (!this.#server.possible) way = 'host';
      offset = end;
    }
    return way;
  }

  /** False where the two cannot be copied so. */
  #copyRanges(from: number, to: number, start: bigint, end: bigint): boolean {
    for (let offset = start; offset < end; ) {
      const length = end - offset < rangeBytes ? end - offset : rangeBytes;
      let done: bigint;
      try {
        done = copyRange(from, to, offset, length);
      } catch (error) {
        if (offset === start && isErrno(error, ...cannotCopy)) return false;
        throw error;
      }
      if (done === 0n) break;
      this.#server.confirm();
      this.#copied(done);
      offset += done;
    }
    return true;
  }

  #readAndWrite(from: number, to: number, start: bigint, end: bigint): void {
    this.#chunk ??= Buffer.alloc(chunkBytes);
    for (let offset = Number(start); offset < Number(end); ) {
      const length = Math.min(chunkBytes, Number(end) - offset);
      const read = readSync(from, this.#chunk, 0, length, offset);
      if (read === 0) break;
      if (!isZero(this.#chunk, read)) writeAll(to, this.#chunk, read, offset);
      this.#copied(BigInt(read));
      offset += read;
    }
  }
}

const zeros = Buffer.alloc(chunkBytes);

function isZero(chunk: Buffer, length: number): boolean {
  return chunk.compare(zeros, 0, length, 0, length) === 0;
}

function writeAll(fd: number, chunk: Buffer, length: number, offset: number): void {
  for (let written = 0; written < length; ) {
    written += writeSync(fd, chunk, written, length - written, offset + written);
  }
}
