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

/** A line of its output. */
export type CopyLine = { readonly progress: Counts } | { readonly done: Counts };
