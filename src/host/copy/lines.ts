import type { Counts } from './tally.ts';

/** What the copying program is asked for, as its first argument. */
export interface CopyRequest {
  readonly kind: 'tree' | 'file';
  /** Names in the directories that it is given. The copy's must be free. */
  readonly name: string;
  readonly copy: string;
  /** Threads that share the work beside the first one, at most. */
  readonly threads: number;
}

/** A line of its output; the last one says how it ended. */
export type CopyLine =
  | { readonly progress: Counts }
  | { readonly done: Counts }
  | { readonly failure: CopyFailure };

/** Why a copy failed: an errno and the system call, or what went wrong with the program. */
export interface CopyFailure {
  readonly message: string;
  readonly code?: string;
  readonly syscall?: string;
}

export function toFailure(error: unknown): CopyFailure {
  const { message, code, syscall } = error as NodeJS.ErrnoException;
  return { message, ...(code === undefined ? {} : { code }), ...(syscall === undefined ? {} : { syscall }) };
}

/** The casts: both ends of the pipe are of this program. */
export function parseRequest(text: string): CopyRequest {
  return JSON.parse(text) as CopyRequest;
}

export function parseLine(line: string): CopyLine {
  return JSON.parse(line) as CopyLine;
}
