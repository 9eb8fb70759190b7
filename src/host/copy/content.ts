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
/** Up to this size a file that has as many blocks is taken for one without holes: on NFS each is a question. */
const smallBytes = 64n * 1024n;
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
   * of them; where this process reads and writes, so do blocks of zeros. `blocks`: that it has, of 512 bytes.
   */
  copy(from: number, to: number, { size, blocks }: { readonly size: bigint; readonly blocks: bigint }): Way {
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
    const isWhole = size <= smallBytes && blocks * 512n >= size;
    const parts = isWhole ? [{ start: 0n, end: size }] : dataOf(from, size);
    let way: Way = this.#server.possible ? 'server' : 'host';
    let reached = 0n;
    for (const { start, end } of parts) {
      const copied = this.#server.possible ? this.#copyRanges(from, to, start, end) : undefined;
      reached = copied ?? this.#readAndWrite(from, to, start, end);
      if (!this.#server.possible) way = 'host';
    }
    // What is left is a hole, or was cut off meanwhile.
    if (reached < size) ftruncateSync(to, Number(size));
    return way;
  }

  /** How far it came, which is not the end where the file was cut off meanwhile; undefined where the two cannot be copied so. */
  #copyRanges(from: number, to: number, start: bigint, end: bigint): bigint | undefined {
    for (let offset = start; offset < end; ) {
      const length = end - offset < rangeBytes ? end - offset : rangeBytes;
      let done: bigint;
      try {
        done = copyRange(from, to, offset, length);
      } catch (error) {
        if (offset === start && isErrno(error, ...cannotCopy)) return undefined;
        throw error;
      }
      if (done === 0n) return offset;
      this.#server.confirm();
      this.#copied(done);
      offset += done;
    }
    return end;
  }

  /** How far it has written: blocks of zeros are left out. */
  #readAndWrite(from: number, to: number, start: bigint, end: bigint): bigint {
    let written = 0;
    this.#chunk ??= Buffer.alloc(chunkBytes);
    for (let offset = Number(start); offset < Number(end); ) {
      const length = Math.min(chunkBytes, Number(end) - offset);
      const read = readSync(from, this.#chunk, 0, length, offset);
      if (read === 0) break;
      if (!isZero(this.#chunk, read)) {
        writeAll(to, this.#chunk, read, offset);
        written = offset + read;
      }
      this.#copied(BigInt(read));
      offset += read;
    }
    return BigInt(written);
  }
}

/** Where a file has data, as far as its file system tells. */
function* dataOf(file: number, size: bigint): Generator<{ readonly start: bigint; readonly end: bigint }> {
  for (let offset = 0n; offset < size; ) {
    const start = nextData(file, offset);
    if (start === undefined || start >= size) return;
    const hole = nextHole(file, start);
    const end = hole < size ? hole : size;
    yield { start, end };
    offset = end;
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
