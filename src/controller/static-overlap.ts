import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { listAside } from '../volumes/state/aside.ts';
import type { FoundVolume } from './find-volume.ts';

/**
 * Throws FAILED_PRECONDITION where a static volume's directory is that of a dynamic volume, or lies inside or
 * around one: deleting the one would take the other with it.
 */
export async function refuseOverlap({ store, subDir }: FoundVolume, volumeId: string): Promise<void> {
  // A volume that is being deleted has no record any more, and its directory still.
  const deleted = await store.pool.use((state, tree) => listAside(state, tree));
  if (deleted.some(({ record }) => overlap(record.subDir, subDir))) throw beingDeleted(volumeId);
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

function beingDeleted(volumeId: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${volumeId} cannot be used now: a volume of this directory is being deleted at the same time; repeat the call.`,
  );
}
