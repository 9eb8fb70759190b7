import { join } from 'node:path';
import { type ProgramOptions, runProgram } from '../program/run-program.ts';
import type { BlocksLine, BlocksRequest } from './lines.ts';

/** The bundle's, or the sources'. */
const program = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'program.ts' : 'blocks.cjs');

/**
 * Tells where a file has data, or where it differs from another one of the same directory, which is a descriptor of this
 * process: in rising order, and from an offset on. Throws what a system call failed with, as node:fs does.
 */
export async function* listBlocks(
  directory: number,
  request: BlocksRequest,
  options?: ProgramOptions,
): AsyncGenerator<BlocksLine> {
  const asked = { what: 'look at blocks', path: program, request, descriptors: [directory] };
  for await (const line of runProgram<BlocksLine>(asked, options)) {
    if ('done' in line) return;
    yield line;
  }
}
