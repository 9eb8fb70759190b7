import { type Run, run } from './run.ts';

/**
 * Throws all of a file's content away and gives it this size, all zeros. For what is nobody's data: the first half of a
 * filesystem. Throws CommandError.
 */
export async function blankFile(
  file: string,
  size: bigint,
  { timeoutMs }: { readonly timeoutMs: number },
  exec: Run = run,
): Promise<void> {
  for (const each of [0n, size]) {
    await exec('truncate', ['--no-create', `--size=${each}`, '--', file], { timeoutMs });
  }
}

/** Drops what is cached of a block device, so that it is read anew (blockdev(8)). Throws CommandError. */
export async function forgetCached(
  device: string,
  { timeoutMs }: { readonly timeoutMs: number },
  exec: Run = run,
): Promise<void> {
  await exec('blockdev', ['--flushbufs', device], { timeoutMs });
}
