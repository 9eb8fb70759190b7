import { within } from '../within.ts';

/** The time that a call may take in all. */
export interface Budget {
  /** What the work gives; undefined once the time is spent. Work that is late goes on, and is not listened to. */
  within<T>(work: Promise<T>): Promise<T | undefined>;
}

export function startBudget(limitMs: number): Budget {
  const end = performance.now() + limitMs;
  return { within: (work) => within(work, Math.max(0, end - performance.now())) };
}
