import { code } from '../csi/requests.ts';

/** Longer than any call takes; a test that fails is better than one that never ends. Milliseconds. */
const usualLimit = 60_000;

/** Repeats a call at once, as long as it is ABORTED, which is what a sidecar does. `limit` in milliseconds. */
export async function repeatAborted<T>(call: () => Promise<T>, limit = usualLimit): Promise<T> {
  const end = Date.now() + limit;
  let last: unknown;
  while (Date.now() < end) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === code.aborted)) throw error;
      last = error;
    }
  }
  throw new Error(`the call was ABORTED for ${limit / 1000} s`, { cause: last });
}
