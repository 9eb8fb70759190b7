import { normalPath } from '../config/normal-path.ts';
import type { PersistentVolume } from './objects.ts';

/** Where a PersistentVolume has its data, as its driver mounts it. */
export interface Source {
  readonly server: string;
  /** Absolute and normal. */
  readonly path: string;
  /** The exported directory, as far as it can be told: what a pool would be. */
  readonly share: string;
  readonly readOnly: boolean;
  readonly mountOptions: readonly string[];
}

export type Found =
  | { readonly kind: 'source'; readonly source: Source }
  /** On NFS, but not of a provisioner that was asked for. */
  | { readonly kind: 'left-out'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Of no concern: another kind of storage. */
  | { readonly kind: 'other' };

export interface Wanted {
  /** Further names of nfs-subdir-external-provisioner, which anybody may choose. */
  readonly provisioners: readonly string[];
  /** Also `nfs` volumes that were written by hand. */
  readonly handWritten: boolean;
  /** Also volumes whose claims were deleted. */
  readonly released: boolean;
}

export const csiDriverNfs = 'nfs.csi.k8s.io';

/** The names that nfs-subdir-external-provisioner's manifests and charts have had, and those of its predecessor. */
const subdirProvisioner = /nfs-subdir-external-provisioner|nfs-client-provisioner|^fuseim\.pri\/ifs$/;

const leadsUp: Found = { kind: 'refused', reason: 'its path has a ".."' };

/** Says where the data is, for the volumes of nfs-subdir-external-provisioner and csi-driver-nfs. */
export function findSource(volume: PersistentVolume, wanted: Wanted): Found {
  const { nfs, csi } = volume.spec;
  if (csi?.driver === csiDriverNfs) return ofCsiDriverNfs(volume, csi);
  if (nfs === undefined) return { kind: 'other' };
  const provisioner = volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by'];
  if (provisioner === undefined && !wanted.handWritten) {
    return { kind: 'left-out', reason: 'it was written by hand; --hand-written includes such volumes' };
  }
  if (provisioner !== undefined && !isSubdirProvisioner(provisioner, wanted)) {
    return {
      kind: 'left-out',
      reason: `it was made by ${provisioner}; if that is an nfs-subdir-external-provisioner, say so: --provisioner ${provisioner}`,
    };
  }
  if (nfs.path.split('/').includes('..')) return leadsUp;
  const path = normalPath(`/${nfs.path}`);
  return {
    kind: 'source',
    source: {
      server: nfs.server,
      path,
      share: parentOf(path),
      readOnly: nfs.readOnly ?? false,
      mountOptions: mountOptionsOf(volume),
    },
  };
}

function isSubdirProvisioner(name: string, { provisioners }: Wanted): boolean {
  return provisioners.includes(name) || subdirProvisioner.test(name);
}

/**
 * csi-driver-nfs mounts what the attributes say, whose names it compares without regard to case; up to 4.0 `share` had
 * the volume's own directory in it, since 4.1 that is in `subDir`. The handle is for its DeleteVolume alone.
 */
function ofCsiDriverNfs(volume: PersistentVolume, csi: NonNullable<PersistentVolume['spec']['csi']>): Found {
  const attributes = new Map(
    Object.entries(csi.volumeAttributes ?? {}).map(([key, value]) => [key.toLowerCase(), value]),
  );
  const server = attributes.get('server');
  const share = attributes.get('share');
  if (!server || !share) {
    return {
      kind: 'refused',
      reason: 'its volumeAttributes lack "server" or "share", so nobody could mount it',
    };
  }
  const subDir = expand(attributes.get('subdir') ?? '', attributes);
  if (`${share}/${subDir}`.split('/').includes('..')) return leadsUp;
  const path = normalPath(`/${share}/${subDir}`);
  return {
    kind: 'source',
    source: {
      server,
      path,
      share: subDir === '' ? parentOf(path) : normalPath(`/${share}`),
      readOnly: csi.readOnly ?? false,
      mountOptions: [...mountOptionsOf(volume), ...split(attributes.get('mountoptions') ?? '')],
    },
  };
}

/** The tokens in `subDir`; one without a value stays as it is, and is then part of the directory's name. */
function expand(subDir: string, attributes: ReadonlyMap<string, string>): string {
  const values: Readonly<Record<string, string | undefined>> = {
    '${pvc.metadata.namespace}': attributes.get('csi.storage.k8s.io/pvc/namespace'),
    '${pvc.metadata.name}': attributes.get('csi.storage.k8s.io/pvc/name'),
    '${pv.metadata.name}': attributes.get('csi.storage.k8s.io/pv/name'),
  };
  return subDir.replaceAll(/\$\{[^}]*\}/g, (token) => values[token] || token);
}

/** Kubernetes joins them with commas, so one entry may hold several; the annotation is what there was before 1.8. */
function mountOptionsOf({ metadata, spec }: PersistentVolume): string[] {
  const annotated = metadata.annotations?.['volume.beta.kubernetes.io/mount-options'] ?? '';
  return [...(spec.mountOptions ?? []), annotated].flatMap(split);
}

function split(options: string): string[] {
  return options
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option !== '');
}

function parentOf(path: string): string {
  return normalPath(`${path}/..`);
}
