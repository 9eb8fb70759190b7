import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a state: asks until the answer is neither undefined nor false, and returns it.
 * A question that throws is asked again; the last error is told at the end. `timeout`, and the `pause` before the next
 * question, in milliseconds.
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeout = 60_000,
  pause = 100,
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + timeout;
  let last: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await delay(pause);
  } while (Date.now() < end);
  throw new Error(`waited ${timeout / 1000} s in vain for this: ${what}`, { cause: last });
}
