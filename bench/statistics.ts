// Figures out of samples.

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new Error('no samples');
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper;
  return (upper + (lower ?? upper)) / 2;
}

/** Milliseconds that one call takes. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  return (await timedResult(call)).milliseconds;
}

/** The same, of a call whose answer is of use. */
export async function timedResult<T>(
  call: () => Promise<T>,
): Promise<{ readonly milliseconds: number; readonly result: T }> {
  const start = performance.now();
  const result = await call();
  return { milliseconds: performance.now() - start, result };
}

/** Calls per second when so many are kept in flight. */
export async function rate(
  inFlight: number,
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await call(index);
    }
  };
  const milliseconds = await timed(() => Promise.all(Array.from({ length: inFlight }, worker)));
  return (count / milliseconds) * 1000;
}
