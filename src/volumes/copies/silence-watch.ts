import type { SeenLock } from './copy-lock.ts';

/** Remembers since when the locks of others have stood still. */
export class SilenceWatch {
  readonly #silenceMs: number;
  readonly #seen = new Map<string, { readonly what: string; readonly since: number }>();

  /** An owner that did nothing for this long, by this machine's own clock, is taken for gone. */
  constructor(silenceMs = 30_000) {
    this.#silenceMs = silenceMs;
  }

  /** Whether the owner of a lock shows no life; true at the earliest some time after it was seen first. */
  isSilent(job: string, { worker, copy, beat }: SeenLock): boolean {
    const what = `${worker} ${copy} ${beat}`;
    const now = performance.now();
    const seen = this.#seen.get(job);
    const since = seen?.what === what ? seen.since : now;
    this.#seen.set(job, { what, since });
    return now - since >= this.#silenceMs;
  }

  forget(job: string): void {
    this.#seen.delete(job);
  }
}
