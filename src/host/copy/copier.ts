import { join } from 'node:path';
import { type ProgramOptions, runProgram } from '../program/run-program.ts';
import type { CopyLine, CopyRequest } from './lines.ts';
import type { Counts } from './tally.ts';

export type { Counts } from './tally.ts';

/** What is copied, and as what; both directories are descriptors of this process. */
export interface Copy extends Omit<CopyRequest, 'threads'> {
  readonly fromDir: number;
  readonly toDir: number;
}

export interface CopyOptions extends ProgramOptions {
  /** Told of what was copied so far, about once a second. */
  readonly progress?: (counts: Counts) => void;
}

/** Calls under way on a server: more gain little, and each costs megabytes of this machine's memory. */
const threads = 4;

/** The bundle's, or the sources'. */
const program = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'program.ts' : 'copy.cjs');

/**
 * Copies a tree or a file to a name that is free, exactly: see docs/design.md, "Copies". When this returns, all of it is
 * on disk. Throws what a system call failed with, as node:fs does; what was made until then stays.
 */
export async function runCopy(copy: Copy, options: CopyOptions = {}): Promise<Counts> {
  const { progress = () => {}, ...limits } = options;
  const { fromDir, toDir, ...rest } = copy;
  const request: CopyRequest = { ...rest, threads };
  const descriptors = [fromDir, toDir];
  const lines = runProgram<CopyLine>({ what: 'copy', path: program, request, descriptors }, limits);
  for await (const line of lines) {
    if ('done' in line) return line.done;
    progress(line.progress);
  }
  throw new Error('a program that ends without a last line fails');
}
