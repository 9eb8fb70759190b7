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
  readonly block?: object | null;
  readonly mount?: { readonly fs_type?: string; readonly mount_flags?: readonly string[] } | null;
  readonly access_mode?: { readonly mode?: string | number } | null;
}

/**
 * Reads one VolumeCapability for a directory volume on a pool of this kind.
 * Throws INVALID_ARGUMENT with the reason where Berth cannot serve it.
 */
export function readCapability(wire: WireCapability | null | undefined, kind: 'nfs' | 'local'): Capability {
  const mode = String(wire?.access_mode?.mode ?? 'UNKNOWN');
  if (mode === 'UNKNOWN') throw unsupported('it has no access mode; set one');
  if (!isServed(mode)) {
    throw unsupported(
      `the access mode ${/^\w{1,40}$/.test(mode) ? mode : 'given'} is not served; use ${Object.keys(accessModes).join(', ')}`,
    );
  }
  if (wire?.block) throw unsupported('raw block volumes are not served; use volumeMode: Filesystem');
  if (!wire?.mount) throw unsupported('it asks neither for a mount nor for a block device; set one');
  const fsType = wire.mount.fs_type ?? '';
  if (fsType !== '' && fsType !== 'nfs') {
    throw unsupported('its fstype is not served; a shared directory has none: leave it out');
  }
  const mountFlags = wire.mount.mount_flags ?? [];
  for (const flag of mountFlags) {
    const problem = mountOptionProblem(flag, kind);
    if (problem !== undefined) throw unsupported(problem);
  }
  return { mode, ...accessModes[mode], mountFlags };
}

function isServed(mode: string): mode is keyof typeof accessModes {
  return Object.hasOwn(accessModes, mode);
}

function unsupported(what: string): CsiError {
  return new CsiError(
    status.INVALID_ARGUMENT,
    'capability-unsupported',
    `The volume capability cannot be served: ${what}.`,
  );
}
