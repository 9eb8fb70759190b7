import type { Counts } from '../../host/copy/copier.ts';
import { type Way, ways } from '../../host/copy/ways.ts';

/** What the copies of this process on one pool came to, for the metrics. */
export interface CopyTotals {
  /** Under way, or waiting for their turn. */
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly bytes: number;
  /** Files, by the way in which they were copied. */
  readonly files: Readonly<Record<Way, number>>;
}

export const noCopies: CopyTotals = {
  running: 0,
  done: 0,
  failed: 0,
  bytes: 0,
  files: { cloned: 0, server: 0, host: 0 },
};

/** With one more that is complete. */
export function addCopy(totals: CopyTotals, counts: Counts | undefined): CopyTotals {
  const files = { ...totals.files };
  for (const way of ways) files[way] += counts?.[way] ?? 0;
  return { ...totals, done: totals.done + 1, bytes: totals.bytes + (counts?.bytes ?? 0), files };
}
