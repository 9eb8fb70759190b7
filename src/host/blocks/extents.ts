import { readSync } from 'node:fs';
import { nextData, nextHole } from '../copy/libc.ts';
import type { Extent } from './lines.ts';

/** What is told of is a number of these, but for its ends. */
const blockBytes = 4_096;
const chunkBytes = 256 * blockBytes;

/** The ranges of a file that have data, by its map (lseek(2), SEEK_DATA): what is left out reads as zeros. */
export function* allocatedExtents(file: number, size: number, from: number): Generator<Extent> {
  for (let at = from; at < size; ) {
    const start = dataFrom(file, at);
    if (start === undefined || start >= size) return;
    const end = Math.min(Number(nextHole(file, BigInt(start))), size);
    yield [start, end - start];
    at = end;
  }
}

/**
 * The ranges in which a file differs from another one, by their content; what neither has data in is not read. Bytes
 * that the other one is too short for count as zeros. `passed` is told how far it is.
 */
export function* changedExtents(
  file: number,
  base: number,
  {
    size,
    from,
    passed,
  }: { readonly size: number; readonly from: number; readonly passed: (at: number) => void },
): Generator<Extent> {
  const [ours, theirs] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  let open: [start: number, end: number] | undefined;
  for (let at = from; at < size; ) {
    const found = [dataFrom(file, at), dataFrom(base, at)].filter((start) => start !== undefined);
    const start = Math.min(...found, size);
    if (start >= size) break;
    const chunk = start - (start % blockBytes);
    const length = Math.min(chunkBytes, size - chunk);
    readWhole(file, ours, chunk, length);
    readWhole(base, theirs, chunk, length);
    for (let block = 0; block < length; block += blockBytes) {
      const end = Math.min(block + blockBytes, length);
      if (ours.compare(theirs, block, end, block, end) === 0) continue;
      const changed: [number, number] = [Math.max(chunk + block, from), chunk + end];
      if (open?.[1] === changed[0]) open[1] = changed[1];
      else {
        if (open !== undefined) yield [open[0], open[1] - open[0]];
        open = changed;
      }
    }
    at = chunk + length;
    passed(at);
  }
  if (open !== undefined) yield [open[0], open[1] - open[0]];
}

function dataFrom(file: number, offset: number): number | undefined {
  const found = nextData(file, BigInt(offset));
  return found === undefined ? undefined : Number(found);
}

/** Zeros after the end of the file. */
function readWhole(file: number, buffer: Buffer, offset: number, length: number): void {
  let done = 0;
  while (done < length) {
    const read = readSync(file, buffer, done, length - done, offset + done);
    if (read === 0) break;
    done += read;
  }
  buffer.fill(0, done, length);
}
