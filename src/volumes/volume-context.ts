import { status } from '@grpc/grpc-js';
import type { PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { subDirProblem } from './sub-dir.ts';
import { parseVolumeId } from './volume-id.ts';

/** Where a directory volume is: what its volume context (or a static volume's attributes) says. */
export interface DirectoryLocation {
  readonly pool: PoolConfig;
  /** Relative to the pool's root; checked by subDirProblem. */
  readonly subDir: string;
}

/**
 * Finds a volume from its id and the context that came with the request. Nothing is looked up on the pool.
 * Throws INVALID_ARGUMENT for attributes that name no directory of a pool of this driver, and
 * FAILED_PRECONDITION where the pool is not in the config (any more).
 */
export function locateDirectory(
  volumeId: string,
  context: Readonly<Record<string, string>>,
  pools: ReadonlyMap<string, PoolConfig>,
): DirectoryLocation {
  refuseOtherKinds(volumeId, context);
  const id = parseVolumeId(volumeId);
  const own = id !== undefined && pools.has(id.pool) ? id.pool : undefined;
  const poolName = context.pool ?? own;
  if (poolName === undefined) {
    throw invalid(volumeId, 'its attributes do not say which pool it is on; set "pool" and "subDir"');
  }
  if (own !== undefined && own !== poolName) {
    throw invalid(
      volumeId,
      `its id begins with the pool "${own}", but its attributes name another; choose another handle`,
    );
  }
  const pool = pools.get(poolName);
  if (pool === undefined) {
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'pool-unknown',
      `The volume ${volumeId} is on a pool that the config does not name; put it (back) into the config's pools.`,
    );
  }
  const subDir = context.subDir ?? (own === undefined ? undefined : id?.key);
  if (subDir === undefined)
    throw invalid(volumeId, 'its attributes lack "subDir", the directory below the pool');
  const problem = subDirProblem(subDir);
  if (problem !== undefined) throw invalid(volumeId, `its subDir cannot be used: ${problem}`);
  return { pool, subDir };
}

/** Throws INVALID_ARGUMENT for the attributes of a static volume that is no directory. */
export function refuseOtherKinds(volumeId: string, context: Readonly<Record<string, string>>): void {
  for (const kind of ['image', 'device']) {
    if (context[kind] === undefined) continue;
    throw invalid(
      volumeId,
      `its attributes name ${kind === 'image' ? 'an image' : 'a device'} ("${kind}"), which this version does not serve; only directories are served: set "pool" and "subDir"`,
    );
  }
}

function invalid(volumeId: string, what: string): CsiError {
  return new CsiError(
    status.INVALID_ARGUMENT,
    'volume-attributes-invalid',
    `The volume ${volumeId} cannot be found: ${what}.`,
  );
}
