import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { bindMount, unmount } from '../../host/mount.ts';
import { removeMountPoint } from '../../host/mount-point.ts';
import { type Mount, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import type { Capability } from '../capability.ts';
import type { BindAsides } from '../directory/bind-asides.ts';
import { bindFlags, hasFlags } from '../directory/bind-flags.ts';
import { bindUnproven, makeTarget, mountPointOf, occupied } from '../publish-target.ts';
import { deviceShownBy, shows } from './device-shown.ts';
import type { StagedBlock } from './staged-blocks.ts';

interface PublishBlock {
  readonly volumeId: string;
  readonly staged: StagedBlock;
  /** What the pod is to have of a raw one: that device, or what it is read-only by. */
  readonly given: string;
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
  const { volumeId, given, capability, targetPath } = request;
  const { device } = request.staged;
  const table = readMountinfo();
  const target = mountPointOf(targetPath, table);
  const source = capability.block ? given : mountPointOf(request.stagingPath, table);
  const staged = capability.block ? undefined : topmostAt(table, source);
  if (!capability.block && (staged === undefined || deviceShownBy(staged) !== device))
    throw notStaged(volumeId);
  const flags = staged && bindFlags(staged, [], request.readOnly);
  const isThere = (mount: Mount) =>
    deviceShownBy(mount) === given && (flags === undefined || hasFlags(mount, flags.asked));

  const existing = topmostAt(table, target);
  if (existing !== undefined) {
    if (isThere(existing)) return;
    throw occupied(targetPath, shows(existing, request.staged));
  }
  if (!capability.manyTargets) refuseSecondTarget(request, [target, source], table);

  const made = makeTarget(target, targetPath, { isFile: capability.block });
  try {
    const own = flags?.mount ?? [];
    const aside = own.length === 0 ? '' : await asides.make(target);
    try {
      await bindMount({ source, target, flags: own, aside, timeoutMs });
    } finally {
      if (aside !== '') asides.remove(target);
    }
    const mount = topmostAt(readMountinfo(), target);
    if (mount === undefined || !isThere(mount)) throw bindUnproven(targetPath);
  } catch (error) {
    await unmount(target, { force: false });
    if (made) removeMountPoint(target);
    throw error;
  }
}

function refuseSecondTarget(
  { volumeId, staged, capability }: PublishBlock,
  own: readonly string[],
  table: readonly Mount[],
): void {
  const other = table.find((mount) => shows(mount, staged) && !own.includes(mount.mountPoint));
  if (other === undefined) return;
  throw new CsiError(
    status.FAILED_PRECONDITION,
    'published-elsewhere',
    `The volume ${volumeId} is published at another path of this node, and its access mode (${capability.mode}) allows one only; unpublish it there first.`,
  );
}

export function notStaged(volumeId: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-not-staged',
    `The volume ${volumeId} is not staged on this node; call NodeStageVolume first.`,
  );
}
