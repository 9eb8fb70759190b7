import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isWorldWide } from '../volumes/device/device-path.ts';
import { listAside } from '../volumes/state/aside.ts';
import type { Attachment } from '../volumes/state/attachment.ts';
import { holdersOf } from '../volumes/state/attachments.ts';
import { isStaticKey } from '../volumes/volume-id.ts';
import type { FoundVolume } from './find-volume.ts';

/**
 * Throws FAILED_PRECONDITION where a static volume's directory or image is that of a dynamic volume, or lies inside or
 * around one: deleting the one would take the other with it. And where its image or device is attached under another
 * handle too, and one of the two may write.
 */
export async function refuseOverlap(volume: FoundVolume, volumeId: string, readOnly: boolean): Promise<void> {
  const { path, image, device } = volume;
  if (path !== undefined) await refuseDynamic(volume, path, volumeId);
  if (image !== undefined || device !== undefined) await refuseTwin(volume, volumeId, readOnly);
}

async function refuseDynamic({ store }: FoundVolume, path: string, volumeId: string): Promise<void> {
  // A volume that is being deleted has no record any more, and its directory still.
  const deleted = await store.pool.use((state, tree) => listAside(state, tree));
  if (deleted.some(({ record }) => overlap(record.subDir, path))) throw beingDeleted(volumeId);
  const entries = await store.pool.use(async (state, tree) => {
    const { keys } = await store.inventory.keys(state, tree);
    const dynamic = keys.filter((key) => !isStaticKey(key));
    return store.inventory.describe(state, tree, dynamic, new Set());
  });
  for (const { key, record } of entries) {
    if (record === undefined || !overlap(record.subDir, path)) continue;
    throw new CsiError(
      status.FAILED_PRECONDITION,
      'volumes-overlap',
      `The static volume ${volumeId} cannot be used: its path ${path} overlaps the directory of the volume ${key}; volumes never overlap: name another one.`,
    );
  }
}

/** The attachment of a static volume goes by its handle, and two of them may name the same thing. */
async function refuseTwin(volume: FoundVolume, volumeId: string, readOnly: boolean): Promise<void> {
  const { store } = volume;
  const others = await store.pool.use(async (state, tree) => {
    const { keys } = await store.inventory.keys(state, tree);
    const twins = keys.filter((key) => isStaticKey(key) && key !== volume.key);
    return Promise.all(twins.map((key) => holdersOf(state, tree, key)));
  });
  const other = others.flat().find((each) => isSameStatic(volume, each) && !(each.readOnly && readOnly));
  if (other === undefined) return;
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'volumes-overlap',
    `The static volume ${volumeId} cannot be used: its ${volume.image ?? volume.device} is attached to the node ${other.nodeId} as the volume ${other.handle}, and one of them may write to it; detach that first.`,
  );
}

function isSameStatic({ image, device }: FoundVolume, other: Attachment): boolean {
  if (image !== undefined) return image === other.image;
  return device !== undefined && device === other.device && isWorldWide(device);
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
