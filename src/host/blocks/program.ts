// The program that looks where a file has data, or differs from another one. The directory of both is its descriptor 3.
import { constants, fstatSync, writeSync } from 'node:fs';
import { endWithParent, openAt } from '../copy/libc.ts';
import { type FailureLine, failureLine } from '../program/failure.ts';
import { allocatedExtents, changedExtents } from './extents.ts';
import type { BlocksLine, BlocksRequest, Extent } from './lines.ts';

const directory = 3;
const tellEveryMs = 1_000;

endWithParent();
try {
  // The cast: this program's own driver has started it.
  look(JSON.parse(process.argv[2] ?? '') as BlocksRequest);
  tell({ done: true });
} catch (error) {
  tell(failureLine(error));
  process.exitCode = 1;
}

function look({ file: name, base: baseName, offset, most }: BlocksRequest): void {
  const file = openFile(name);
  const size = Number(fstatSync(file, { bigint: true }).size);
  tell({ size });
  let told = performance.now();
  let extents: Extent[] = [];
  const flush = () => {
    if (extents.length > 0) tell({ extents });
    extents = [];
    told = performance.now();
  };
  const passed = (at: number) => {
    if (performance.now() - told < tellEveryMs) return;
    flush();
    tell({ at });
  };
  const found =
    baseName === undefined
      ? allocatedExtents(file, size, offset)
      : changedExtents(file, openFile(baseName), { size, from: offset, passed });
  for (const extent of found) if (extents.push(extent) === most) flush();
  flush();
}

function openFile(name: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  return openAt(directory, Buffer.from(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/** Waits where nobody reads. */
function tell(line: BlocksLine | FailureLine): void {
  const text = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let written = 0; written < text.length; ) written += writeSync(1, text, written);
}
