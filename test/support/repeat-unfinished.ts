import { setTimeout as delay } from 'node:timers/promises';
import { code } from '../csi/requests.ts';

/** Longer than any call takes; a test that fails is better than one that never ends. Milliseconds. */
const usualLimit = 60_000;
const pauseMs = 10;

/**
 * Repeats a call that met its deadline, or a call before it that is still under way (ABORTED), as kubelet and the
 * sidecars do. `limit` in milliseconds.
 */
export async function repeatUnfinished<T>(call: () => Promise<T>, limit = usualLimit): Promise<T> {
  const end = Date.now() + limit;
  let last: unknown;
  while (Date.now() < end) {
    try {
      return await call();
    } catch (error) {
      if (!isUnfinished(error)) throw error;
      last = error;
    }
    await delay(pauseMs);
  }
  throw new Error(`the call did not end in ${limit / 1000} s`, { cause: last });
}

function isUnfinished(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error)) return false;
  return error.code === code.aborted || error.code === code.deadline;
}
