import { status } from '@grpc/grpc-js';
import type { PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { isCopyName } from './copies/copy-lock.ts';
import { devicePathProblem } from './device/device-path.ts';
import { snapshotDir, subDirProblem } from './sub-dir.ts';
import { parseVolumeId } from './volume-id.ts';

/** Where a directory volume is: what its volume context (or a static volume's attributes) says. */
export interface DirectoryLocation {
  readonly pool: PoolConfig;
  /** Relative to the pool's root; checked by subDirProblem. */
  readonly subDir: string;
  /** The name of the snapshot's directory that this is: nobody may write to it. */
  readonly snapshot?: string;
}

/** Where an image volume is. */
export interface ImageLocation {
  readonly pool: PoolConfig;
  /** The file, relative to the pool's root; checked by subDirProblem. */
  readonly image: string;
}

/** A device of the node, that was there before. */
export interface DeviceLocation {
  /** Where its attachments are kept, since the device is on none. */
  readonly pool: PoolConfig;
  /** Below /dev; checked by devicePathProblem. */
  readonly device: string;
}

/** What nodes have as a block device. */
export type BlockLocation =
  | ({ readonly kind: 'image' } & ImageLocation)
  | ({ readonly kind: 'device' } & DeviceLocation);

export type VolumeLocation = ({ readonly kind: 'directory' } & DirectoryLocation) | BlockLocation;

/** The same as `locateVolume`, where it can only be a directory. Throws INVALID_ARGUMENT for anything else too. */
export function locateDirectory(
  volumeId: string,
  context: Readonly<Record<string, string>>,
  pools: ReadonlyMap<string, PoolConfig>,
): DirectoryLocation {
  const location = locateVolume(volumeId, context, pools);
  if (location.kind === 'directory') return location;
  throw invalid(volumeId, 'it is no shared directory, and only that is of use here');
}

/**
 * Finds a volume from its id and the context that came with the request. Nothing is looked up on the pool.
 * Throws INVALID_ARGUMENT for attributes that name nothing of a pool of this driver, and FAILED_PRECONDITION where the
 * pool is not in the config (any more).
 */
export function locateVolume(
  volumeId: string,
  context: Readonly<Record<string, string>>,
  pools: ReadonlyMap<string, PoolConfig>,
): VolumeLocation {
  const id = parseVolumeId(volumeId);
  const own = id !== undefined && pools.has(id.pool) ? id.pool : undefined;
  // A device is on no pool; who has it is put down on one.
  const poolName = context.pool ?? own ?? (context.device === undefined ? undefined : onlyOf(pools));
  if (poolName === undefined && context.device !== undefined) {
    throw invalid(
      volumeId,
      `its attributes do not say which pool keeps who has the device; set "pool" beside "device" to one of ${[...pools.keys()].join(', ')}`,
    );
  }
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
  const { device, image, snapshot } = context;
  if ([context.subDir, image, device, snapshot].filter((each) => each !== undefined).length > 1) {
    throw invalid(
      volumeId,
      'its attributes have several of "subDir" (a directory), "image" (a file) and "device"; set one of them',
    );
  }
  if (device !== undefined) {
    const problem = devicePathProblem(device);
    if (problem !== undefined) throw invalid(volumeId, `its device cannot be used: ${problem}`);
    return { kind: 'device', pool, device };
  }
  if (image !== undefined) {
    const problem = subDirProblem(image);
    if (problem !== undefined) throw invalid(volumeId, `its image cannot be used: ${problem}`);
    return { kind: 'image', pool, image };
  }
  if (snapshot !== undefined) {
    if (!isCopyName(snapshot)) throw invalid(volumeId, 'its "snapshot" is none that Berth has named');
    return { kind: 'directory', pool, subDir: snapshotDir(snapshot), snapshot };
  }
  const subDir = context.subDir ?? (own === undefined ? undefined : id?.key);
  if (subDir === undefined)
    throw invalid(
      volumeId,
      'its attributes lack "subDir", the directory below the pool, or "image", a file there, or "device", one of the node',
    );
  const problem = subDirProblem(subDir);
  if (problem !== undefined) throw invalid(volumeId, `its subDir cannot be used: ${problem}`);
  return { kind: 'directory', pool, subDir };
}

function onlyOf(pools: ReadonlyMap<string, PoolConfig>): string | undefined {
  return pools.size === 1 ? pools.keys().next().value : undefined;
}

function invalid(volumeId: string, what: string): CsiError {
  return new CsiError(
    status.INVALID_ARGUMENT,
    'volume-attributes-invalid',
    `The volume ${volumeId} cannot be found: ${what}.`,
  );
}
