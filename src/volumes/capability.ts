import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { mountOptionProblem } from '../pools/mount-options.ts';

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
  /** Beside the pool's own options; never logged. */
  readonly mountFlags: readonly string[];
}

/** A VolumeCapability as it arrives, decoded. */
export interface WireCapability {
  readonly mount?: {
    readonly fs_type?: string;
    readonly mount_flags?: readonly string[];
    readonly volume_mount_group?: string;
  } | null;
  readonly access_mode?: { readonly mode?: string } | null;
}

/**
 * Reads one VolumeCapability for a directory volume on a pool of this kind, as the Controller's RPCs do.
 * Throws INVALID_ARGUMENT with the reason where Berth cannot serve it.
 */
export function readCapability(wire: WireCapability | null, kind: 'nfs' | 'local'): Capability {
  const read = judge(wire, kind);
  if (typeof read !== 'string') return read;
  throw new CsiError(status.INVALID_ARGUMENT, 'capability-unsupported', unsupported(read));
}

/** The same for the Node's RPCs, for which the spec has FAILED_PRECONDITION ("Exceeds capabilities"). */
export function readNodeCapability(wire: WireCapability | null, kind: 'nfs' | 'local'): Capability {
  const read = judge(wire, kind);
  if (typeof read !== 'string') return read;
  throw new CsiError(status.FAILED_PRECONDITION, 'capability-unsupported', unsupported(read));
}

/** The capability, or why it cannot be served. A request without an access mode or type does not come this far. */
function judge(wire: WireCapability | null, kind: 'nfs' | 'local'): Capability | string {
  const mode = wire?.access_mode?.mode ?? 'UNKNOWN';
  if (!isServed(mode)) {
    return `the access mode ${mode} is not served; use ${Object.keys(accessModes).join(', ')}`;
  }
  const mount = wire?.mount;
  if (!mount) return 'raw block volumes are not served; use volumeMode: Filesystem';
  const fsType = mount.fs_type ?? '';
  if (fsType !== '' && fsType !== 'nfs') {
    return 'its fstype is not served; a shared directory has none: leave it out';
  }
  if (mount.volume_mount_group) {
    return 'a volume mount group is not applied by this driver; leave it out, and set "gid" and "mode" in the StorageClass';
  }
  const mountFlags = mount.mount_flags ?? [];
  for (const flag of mountFlags) {
    const problem = mountOptionProblem(flag, kind);
    if (problem !== undefined) return problem;
  }
  return { mode, ...accessModes[mode], mountFlags };
}

function isServed(mode: string): mode is keyof typeof accessModes {
  return Object.hasOwn(accessModes, mode);
}

function unsupported(what: string): string {
  return `The volume capability cannot be served: ${what}.`;
}
