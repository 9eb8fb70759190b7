class NotHere extends Error {}

/**
 * Asks all these pools at once for what a request does not say the pool of, and gives the first answer, without
 * waiting for the others; undefined where no pool has one. Throws a pool's error where none has one and that pool
 * could not be asked: "nowhere" is sure only if it was looked for everywhere.
 */
export async function askPools<Pool, Answer extends object>(
  pools: readonly Pool[],
  ask: (pool: Pool) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const answers = pools.map(async (pool) => {
    const answer = await ask(pool);
    if (answer === undefined) throw new NotHere();
    return answer;
  });
  try {
    return await Promise.any(answers);
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const failure = errors.find((each) => !(each instanceof NotHere));
    if (failure === undefined) return undefined;
    throw failure;
  }
}
