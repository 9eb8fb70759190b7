import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { bindMount, unmount } from '../../host/mount.ts';
import {
  makeMountFile,
  makeMountPoint,
  removeMountPoint,
  resolveMountPoint,
} from '../../host/mount-point.ts';
import { type Mount, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import type { Capability } from '../capability.ts';
import type { BindAsides } from '../directory/bind-asides.ts';
import { mountPointFailure } from '../directory/bind-failure.ts';
import { bindFlags, hasFlags } from '../directory/bind-flags.ts';
import { deviceShownBy } from './device-shown.ts';

export interface PublishBlock {
  readonly volumeId: string;
  /** The volume's. */
  readonly device: string;
  readonly capability: Capability;
  readonly readOnly: boolean;
  readonly stagingPath: string;
  readonly targetPath: string;
}

const timeoutMs = 20_000;

/**
 * Makes a staged image appear at a target path: its filesystem, by a bind of the staging path, or its device, by a bind
 * of its node in /dev. Repeated, it is the same as once. Throws CsiError and CommandError.
 */
export async function publishBlock(request: PublishBlock, asides: BindAsides): Promise<void> {
  const { volumeId, device, capability, targetPath } = request;
  const table = readMountinfo();
  const target = at(targetPath, table);
  const source = capability.block ? device : at(request.stagingPath, table);
  const staged = capability.block ? undefined : topmostAt(table, source);
  if (!capability.block && (staged === undefined || deviceShownBy(staged) !== device))
    throw notStaged(volumeId);
  const flags = staged && bindFlags(staged, [], request.readOnly);
  const isThere = (mount: Mount) =>
    deviceShownBy(mount) === device && (flags === undefined || hasFlags(mount, flags.asked));

  const existing = topmostAt(table, target);
  if (existing !== undefined) {
    if (isThere(existing)) return;
    throw occupied(targetPath, deviceShownBy(existing) === device);
  }
  if (!capability.manyTargets) refuseSecondTarget(request, [target, source], table);

  const made = make(target, targetPath, capability.block);
  try {
    const given = flags?.mount ?? [];
    const aside = given.length === 0 ? '' : await asides.make(target);
    try {
      await bindMount({ source, target, flags: given, aside, timeoutMs });
    } finally {
      if (aside !== '') asides.remove(target);
    }
    const mount = topmostAt(readMountinfo(), target);
    if (mount === undefined || !isThere(mount)) throw notThere(targetPath);
  } catch (error) {
    await unmount(target, { force: false });
    if (made) removeMountPoint(target);
    throw error;
  }
}

function refuseSecondTarget(
  { volumeId, device, capability }: PublishBlock,
  own: readonly string[],
  table: readonly Mount[],
): void {
  const other = table.find((mount) => deviceShownBy(mount) === device && !own.includes(mount.mountPoint));
  if (other === undefined) return;
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'published-elsewhere',
    `The volume ${volumeId} is published at another path of this node, and its access mode (${capability.mode}) allows one only; unpublish it there first.`,
  );
}

function at(path: string, table: readonly Mount[]): string {
  try {
    return resolveMountPoint(path, table);
  } catch (error) {
    throw mountPointFailure(error, path);
  }
}

function make(target: string, shown: string, isFile: boolean): boolean {
  try {
    return isFile ? makeMountFile(target) : makeMountPoint(target);
  } catch (error) {
    throw mountPointFailure(error, shown);
  }
}

export function notStaged(volumeId: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-not-staged',
    `The volume ${volumeId} is not staged on this node; call NodeStageVolume first.`,
  );
}

function occupied(targetPath: string, sameVolume: boolean): CsiError {
  const what = sameVolume
    ? 'is there already with other arguments (readonly)'
    : 'is not there, but something else is mounted';
  return new CsiError(
    status.ALREADY_EXISTS,
    sameVolume ? 'published-differently' : 'target-occupied',
    `The volume ${what} at the target path ${targetPath}; unpublish that first.`,
  );
}

function notThere(targetPath: string): CsiError {
  return new CsiError(
    status.INTERNAL,
    'bind-unproven',
    `The mount table does not show the volume at ${targetPath} as it was asked for, although mount reported success; repeat the call.`,
  );
}
