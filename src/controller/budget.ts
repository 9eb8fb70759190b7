/** The time that a call may take in all. */
export interface Budget {
  /** What the work gives; undefined once the time is spent. Work that is late goes on, and is not listened to. */
  within<T>(work: Promise<T>): Promise<T | undefined>;
}

export function startBudget(limitMs: number): Budget {
  const end = performance.now() + limitMs;
  return {
    async within(work) {
      let timer: NodeJS.Timeout | undefined;
      const spent = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), Math.max(0, end - performance.now()));
      });
      try {
        return await Promise.race([work, spent]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
