import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';

/** Use of a file system: bytes and inodes. bigint, since exports beyond 8 PiB exist. */
export interface FilesystemUsage {
  readonly totalBytes: bigint;
  readonly usedBytes: bigint;
  /** For users without privilege. */
  readonly availableBytes: bigint;
  readonly totalInodes: bigint;
  readonly usedInodes: bigint;
  readonly freeInodes: bigint;
}

/**
 * Asks the file system at a path for its use, in a child process that the deadline really kills: on a dead hard
 * mount the same call in this process would hold one of its four threads for ever. Throws CommandError.
 */
export async function statfs(
  path: string,
  { timeoutMs }: { timeoutMs: number },
  exec: Run = run,
): Promise<FilesystemUsage> {
  const output = await exec('stat', ['-f', '-c', '%S %b %f %a %c %d', '--', path], { timeoutMs });
  const numbers = output.trim().split(' ');
  if (numbers.length !== 6 || !numbers.every((text) => /^\d+$/.test(text))) {
    throw new Error('stat -f gave an answer that cannot be read');
  }
  const [unit, blocks, free, available, inodes, freeInodes] = numbers.map(BigInt) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  return {
    totalBytes: blocks * unit,
    usedBytes: (blocks - free) * unit,
    availableBytes: available * unit,
    totalInodes: inodes,
    usedInodes: inodes - freeInodes,
    freeInodes,
  };
}

/** What a failed look at a mounted path says about it. */
export function troubleOf(error: unknown): 'silent' | 'stale' | 'missing' | 'failed' {
  if (!(error instanceof CommandError)) return 'failed';
  if (error.timedOut) return 'silent';
  if (/Stale file handle/.test(error.stderr)) return 'stale';
  if (/No such file or directory/.test(error.stderr)) return 'missing';
  // A soft mount gives up by itself with one of these.
  if (/Input\/output error|timed out|Host is down|No route to host/.test(error.stderr)) return 'silent';
  return 'failed';
}
