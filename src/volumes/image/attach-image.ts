import { realpath } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import {
  attachLoop,
  DeviceBusyError,
  detachLoop,
  type FileIdentity,
  identify,
  isLeaving,
  listLoops,
  loopOf,
} from '../../host/loop.ts';
import { mountHolding, readMountinfo } from '../../host/mountinfo.ts';
import type { PoolView } from '../../pools/shared-mount.ts';
import type { AttachedDevice, AttachOptions } from '../block/attached-device.ts';

const timeoutMs = 20_000;

/**
 * Gives an image its loop device, or finds the one that it has: by the file itself, since a path may be another one by
 * now. Throws CsiError where the path leaves the pool, and what blockFailure knows.
 */
export async function attachImage(
  view: PoolView,
  image: string,
  { readOnly, volumeId, onFound }: AttachOptions,
): Promise<AttachedDevice> {
  const file = `${view.path}/${image}`;
  const identity = await identify(file, { timeoutMs });
  if (!(await isInPool(view, file, identity))) throw leavesPool(volumeId);
  const { device, inode, size, isHollow } = identity;
  await onFound({ device, inode });
  // At last, so that what came about meanwhile is seen.
  const found = loopOf(await listLoops({ timeoutMs }), identity);
  if (found?.isWhole === false) throw partOfImage(volumeId, found.path);
  if (found !== undefined && isLeaving(found.path)) throw new DeviceBusyError(found.path);
  if (found !== undefined && found.readOnly === readOnly)
    return { path: found.path, isNew: false, size, isHollow };
  // Attached in the other way by a stage that was cut off; in use it would not let go.
  if (found !== undefined) await detachLoop(found.path, { timeoutMs });
  const path = await attachLoop(file, { readOnly, timeoutMs });
  return { path, isNew: true, size, isHollow };
}

/**
 * On a share the device alone shows it. On a disk of this machine a link may lead out of the pool, and the mount table
 * does not have the device that Btrfs and overlayfs tell of a file.
 */
async function isInPool(view: PoolView, file: string, { device }: FileIdentity): Promise<boolean> {
  if (view.source !== undefined) return device === view.mount.device;
  return (await realpath(file)) === file && mountHolding(readMountinfo(), file)?.id === view.mount.id;
}

function partOfImage(volumeId: string, loop: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'image-in-use',
    `The image of the volume ${volumeId} is in use on this node: its loop device ${loop}, which Berth has not made, shows a part of it; end what uses that, and take it away (losetup --detach).`,
  );
}

function leavesPool(volumeId: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-path-leaves',
    `The image of the volume ${volumeId} is reached through a symbolic link or in another file system, which is never followed; give its real path as "image".`,
  );
}
