import { DamagedFilesystemError, type FilesystemType, growFilesystem } from '../../host/filesystem.ts';
import { mountFilesystem } from '../../host/filesystem-mount.ts';
import { deviceSize } from '../../host/loop.ts';
import { hasOption, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { type MountObserver, observed } from '../../pools/mount-observer.ts';
import { isFilesystemType } from '../capability.ts';
import { mountPointOf } from '../publish-target.ts';
import { mountUnproven, stagingOccupied } from './block-errors.ts';
import { checkPrepared, type Prepare, prepareFilesystem } from './block-filesystem.ts';
import { deviceShownBy, shownAt } from './device-shown.ts';

const mountMs = 120_000;
const growMs = 600_000;

export interface MountStaged {
  readonly volumeId: string;
  readonly device: string;
  readonly readOnly: boolean;
  /** What the request asks for; checked by filesystemOptionProblem. */
  readonly flags: readonly string[];
  readonly stagingPath: string;
  readonly observe: MountObserver;
}

/**
 * Mounts the filesystem of a device at the staging path, as large as the device is; a blank one gets its filesystem
 * before that. Repeated, it is the same as once. Throws CsiError, and what blockFailure knows.
 */
export async function mountStaged(
  { volumeId, device, readOnly, flags, stagingPath, observe }: MountStaged,
  prepare: Prepare,
): Promise<void> {
  const target = mountPointOf(stagingPath);
  const mounted = topmostAt(readMountinfo(), target);
  if (mounted !== undefined) {
    if (deviceShownBy(mounted) !== device || hasOption(mounted, 'ro') !== readOnly)
      throw stagingOccupied(volumeId, stagingPath);
    await prepare.proveTold();
    // The call that has mounted it may have ended before it was grown.
    if (!readOnly && isFilesystemType(mounted.fsType)) await growMounted(device, target, mounted.fsType);
    return;
  }
  const { type, size, isChecked } = await prepareFilesystem(device, prepare);
  const options = [
    readOnly ? 'ro' : 'rw',
    // "rw" would undo what was asked for before it.
    ...flags.filter((flag) => flag !== 'defaults' && flag !== 'rw'),
    // Of a copy, the other one may be mounted on this node (xfs(5)).
    ...(type === 'xfs' ? ['nouuid'] : []),
  ];
  const mount = () =>
    observed(observe, { operation: 'mount', pool: undefined }, () =>
      mountFilesystem({ device, type, target, options, timeoutMs: mountMs }),
    );
  try {
    await mount();
  } catch (error) {
    if (!(error instanceof DamagedFilesystemError) || isChecked || readOnly) throw error;
    // Its superblock was right, and not all the rest; most of that is put right without a decision.
    await checkPrepared(device, type);
    await mount();
  }
  if (shownAt(target) !== device) throw mountUnproven(volumeId, stagingPath);
  const isSmaller = size === undefined || size < (deviceSize(device) ?? 0n);
  if (isSmaller && !readOnly) await growMounted(device, target, type);
}

/** Makes a filesystem in use as large as its device. Throws CommandError. */
export async function growMounted(device: string, mountPoint: string, type: FilesystemType): Promise<void> {
  await growFilesystem({ device, mountPoint }, type, { timeoutMs: growMs });
}
