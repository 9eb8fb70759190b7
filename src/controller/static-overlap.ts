import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { FoundVolume } from './find-volume.ts';

/**
 * Throws FAILED_PRECONDITION where a static volume's directory is that of a dynamic volume, or lies inside or
 * around one: deleting the one would take the other with it.
 */
export async function refuseOverlap({ store, subDir }: FoundVolume, volumeId: string): Promise<void> {
  const entries = await store.pool.use(async (state, tree) => {
    const { keys } = await store.inventory.keys(state, tree);
    const dynamic = keys.filter((key) => !key.startsWith('@'));
    return store.inventory.describe(state, tree, dynamic, new Set());
  });
  for (const { key, record } of entries) {
    if (record === undefined || !overlap(record.subDir, subDir)) continue;
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'volumes-overlap',
      `The static volume ${volumeId} cannot be used: its directory ${subDir} overlaps that of the volume ${key}; volumes never overlap: name another directory.`,
    );
  }
}

function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
