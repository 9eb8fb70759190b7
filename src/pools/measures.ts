import fs from 'node:fs';

/** Use of a pool's file system. */
export interface PoolUsage {
  readonly totalBytes: bigint;
  /** For users without privilege. */
  readonly availableBytes: bigint;
  readonly totalInodes: bigint;
  readonly freeInodes: bigint;
}

/** What a pool can be measured by, without asking it. */
export interface PoolMeasures {
  /** File system calls under way, and of these the ones that were given up and have not come back. */
  readonly inFlight: number;
  readonly held: number;
  /** How often it went down since the start. */
  readonly failures: number;
  /** Of the last probe that was answered; undefined while the pool is down. */
  readonly probeSeconds: number | undefined;
  readonly usage: PoolUsage | undefined;
}

/** Asks for the use of the file system at a path, in this process: one of its threads is held until it answers. */
export function askUsage(path: string | Buffer): Promise<PoolUsage | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    fs.statfs(path, { bigint: true }, (error, stats) => resolve(error ?? usageOf(stats)));
  });
}

function usageOf({ bsize, blocks, bavail, files, ffree }: fs.BigIntStatsFs): PoolUsage {
  return {
    totalBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    totalInodes: files,
    freeInodes: ffree,
  };
}
