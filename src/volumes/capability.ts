import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { FilesystemType } from '../host/filesystem.ts';
import { mountOptionProblem } from '../pools/mount-options.ts';
import { filesystemOptionProblem } from './block/mount-options.ts';

/** The access modes that Berth serves (CSI VolumeCapability.AccessMode). */
const accessModes = {
  SINGLE_NODE_WRITER: { multiNode: false, readOnly: false, manyTargets: false },
  SINGLE_NODE_READER_ONLY: { multiNode: false, readOnly: true, manyTargets: false },
  SINGLE_NODE_SINGLE_WRITER: { multiNode: false, readOnly: false, manyTargets: false },
  SINGLE_NODE_MULTI_WRITER: { multiNode: false, readOnly: false, manyTargets: true },
  MULTI_NODE_READER_ONLY: { multiNode: true, readOnly: true, manyTargets: true },
  MULTI_NODE_MULTI_WRITER: { multiNode: true, readOnly: false, manyTargets: true },
} as const;

export interface Capability {
  readonly mode: keyof typeof accessModes;
  /** May be attached to several nodes at once. */
  readonly multiNode: boolean;
  readonly readOnly: boolean;
  /** May be published at several target paths of one node (CSI NodePublishVolume, second publish). */
  readonly manyTargets: boolean;
  /** Pods get the raw device, not something mounted. */
  readonly block: boolean;
  /** Of a directory beside the pool's own options, of an image the filesystem's; never logged. */
  readonly mountFlags: readonly string[];
}

/** A VolumeCapability as it arrives, decoded. */
export interface WireCapability {
  readonly block?: object | null;
  readonly mount?: {
    readonly fs_type?: string;
    readonly mount_flags?: readonly string[];
    readonly volume_mount_group?: string;
  } | null;
  readonly access_mode?: { readonly mode?: string } | null;
}

/** What a volume is, as far as its capabilities depend on that. */
export type VolumeKind = (
  | { readonly kind: 'directory'; readonly pool: 'nfs' | 'local' }
  /** Of a dynamic image; without a filesystem it is a raw device. */
  | { readonly kind: 'image'; readonly fsType: FilesystemType | undefined }
  /** An image or a device that was there before: it is used as it is asked for. */
  | { readonly kind: 'existing' }
) & {
  /** It is served straight from a snapshot. */
  readonly readOnly?: true;
};

/**
 * Reads one VolumeCapability for a volume of this kind, as the Controller's RPCs do. Throws INVALID_ARGUMENT with the
 * reason where Berth cannot serve it.
 */
export function readCapability(wire: WireCapability | null, volume: VolumeKind): Capability {
  const read = judge(wire, volume);
  if (typeof read !== 'string') return read;
  throw new CsiError(status.INVALID_ARGUMENT, 'capability-unsupported', unsupported(read));
}

/** The same for the Node's RPCs, for which the spec has FAILED_PRECONDITION ("Exceeds capabilities"). */
export function readNodeCapability(wire: WireCapability | null, volume: VolumeKind): Capability {
  const read = judge(wire, volume);
  if (typeof read !== 'string') return read;
  throw new CsiError(status.FAILED_PRECONDITION, 'capability-unsupported', unsupported(read));
}

/** The filesystem that a capability asks an image for; undefined where it asks for none. */
export function filesystemAsked(wire: WireCapability): FilesystemType | undefined {
  const fsType = wire.mount?.fs_type ?? '';
  return isFilesystemType(fsType) ? fsType : undefined;
}

export function isFilesystemType(text: string): text is FilesystemType {
  return text === 'ext4' || text === 'xfs';
}

/** The capability, or why it cannot be served. A request without an access mode or type does not come this far. */
function judge(wire: WireCapability | null, volume: VolumeKind): Capability | string {
  const mode = wire?.access_mode?.mode ?? 'UNKNOWN';
  if (!isServed(mode)) {
    return `the access mode ${mode} is not served; use ${Object.keys(accessModes).join(', ')}`;
  }
  const mount = wire?.mount;
  const problem = mount ? mountProblem(mount, mode, volume) : blockProblem(volume);
  if (problem !== undefined) return problem;
  if (volume.readOnly && !accessModes[mode].readOnly) {
    return `it is served straight from a snapshot, which nobody may write to, and ${mode} may; use ReadOnlyMany, or make another volume from the snapshot`;
  }
  return { mode, ...accessModes[mode], block: !mount, mountFlags: mount?.mount_flags ?? [] };
}

function blockProblem(volume: VolumeKind): string | undefined {
  if (volume.kind === 'directory')
    return 'it is a shared directory, which is no device; use volumeMode: Filesystem';
  if (volume.kind === 'image' && volume.fsType !== undefined) {
    return `it is a volume with ${volume.fsType}, made for volumeMode: Filesystem; a raw device of it could destroy that`;
  }
  return undefined;
}

function mountProblem(
  mount: NonNullable<WireCapability['mount']>,
  mode: keyof typeof accessModes,
  volume: VolumeKind,
): string | undefined {
  const fsType = mount.fs_type ?? '';
  if (mount.volume_mount_group) {
    return 'a volume mount group is not applied by this driver; leave it out, and set "gid" and "mode" in the StorageClass';
  }
  if (volume.kind === 'directory') {
    if (fsType !== '' && fsType !== 'nfs') {
      return 'its fstype is not served; a shared directory has none: leave it out';
    }
    return first(mount.mount_flags, (flag) => mountOptionProblem(flag, volume.pool));
  }
  if (volume.kind === 'image' && volume.fsType === undefined) {
    return 'it is a raw device without a filesystem; use volumeMode: Block';
  }
  if (fsType !== '' && !isFilesystemType(fsType)) return 'its fstype is not served; use ext4 or xfs';
  if (volume.kind === 'image' && fsType !== '' && fsType !== volume.fsType) {
    return `it has ${volume.fsType}, and another fstype is asked for; leave it out`;
  }
  if (accessModes[mode].multiNode && !accessModes[mode].readOnly) {
    return 'a filesystem on a device can be written to from one node at a time; use ReadWriteOnce, or a shared directory (no fstype), or volumeMode: Block where the application coordinates its writers';
  }
  return first(mount.mount_flags, filesystemOptionProblem);
}

function first(
  flags: readonly string[] | undefined,
  problem: (flag: string) => string | undefined,
): string | undefined {
  for (const flag of flags ?? []) {
    const found = problem(flag);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isServed(mode: string): mode is keyof typeof accessModes {
  return Object.hasOwn(accessModes, mode);
}

function unsupported(what: string): string {
  return `The volume capability cannot be served: ${what}.`;
}
