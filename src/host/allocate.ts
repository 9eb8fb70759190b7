import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';

/** A file system cannot take space for a file at once: NFS before 4.2, ZFS, ... */
export class CannotAllocateError extends Error {
  constructor(options: { cause: unknown }) {
    super('the file system cannot reserve space for a file', options);
    this.name = 'CannotAllocateError';
  }
}

/** In bytes. */
export interface Range {
  readonly offset: bigint;
  readonly length: bigint;
}

/**
 * Takes the space for a part of a file, so that writing there never fails for want of it (fallocate(1)); on NFS the
 * server does (RFC 7862, ALLOCATE). What is written there already stays, and a file that ends before the part's end is
 * made larger. In a child process, since a server may take its time. Throws CannotAllocateError and CommandError.
 */
export async function allocate(
  file: string,
  { offset, length }: Range,
  { timeoutMs }: { readonly timeoutMs: number },
  exec: Run = run,
): Promise<void> {
  try {
    const range = ['--offset', String(offset), '--length', String(length)];
    await exec('fallocate', [...range, '--', file], { timeoutMs });
  } catch (error) {
    if (error instanceof CommandError && /not supported/.test(error.stderr)) {
      throw new CannotAllocateError({ cause: error });
    }
    throw error;
  }
}
