/** A wrong flag, file or config: one line on standard error, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
