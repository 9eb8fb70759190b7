import type { DirectoryLocation } from '../volumes/volume-context.ts';
import type { Claim, PersistentVolume } from './objects.ts';
import { isReleased } from './released.ts';

/** The annotation that names the old PersistentVolume. */
export const migratedFrom = 'berth.dev/migrated-from';

/** What a new PersistentVolume is made of. */
export interface Migrated {
  readonly old: PersistentVolume;
  readonly name: string;
  readonly handle: string;
  readonly driver: string;
  readonly location: DirectoryLocation;
  readonly mountOptions: readonly string[];
  readonly readOnly: boolean;
}

/** A static PersistentVolume of Berth for the same data, reserved for the same claim, or Released as the old one is. */
export function volumeManifest(migrated: Migrated): object {
  const { old, name, handle, driver, location, mountOptions, readOnly } = migrated;
  const { capacity, accessModes, volumeMode, nodeAffinity } = old.spec;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      ...(old.metadata.labels === undefined ? {} : { labels: old.metadata.labels }),
      annotations: { [migratedFrom]: old.metadata.name },
    },
    spec: {
      ...(capacity === undefined ? {} : { capacity }),
      ...(accessModes === undefined ? {} : { accessModes }),
      ...(volumeMode === undefined ? {} : { volumeMode }),
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: classOf(old),
      ...(mountOptions.length === 0 ? {} : { mountOptions }),
      ...(nodeAffinity === undefined ? {} : { nodeAffinity }),
      ...claimRefOf(old),
      csi: {
        driver,
        volumeHandle: handle,
        ...(readOnly ? { readOnly } : {}),
        volumeAttributes: { pool: location.pool.name, subDir: location.subDir },
      },
    },
  };
}

/**
 * Without the claim's uid, since a claim that is made again has another one. Not so for a volume whose claim was
 * deleted: it keeps the uid, by which Kubernetes gives it to no later claim of that name.
 */
function claimRefOf(old: PersistentVolume): object {
  const { claimRef } = old.spec;
  if (claimRef === undefined) return {};
  const { namespace, name, uid } = claimRef;
  const reserved = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name };
  return { claimRef: isReleased(old) ? { ...reserved, uid } : reserved };
}

/** The same claim, bound to the new PersistentVolume. */
export function claimManifest({ metadata, spec }: Claim, volumeName: string): object {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !isOfBinding(key));
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    },
    spec: {
      ...(spec.accessModes === undefined ? {} : { accessModes: spec.accessModes }),
      storageClassName: spec.storageClassName ?? classAnnotation(metadata) ?? '',
      ...(spec.volumeMode === undefined ? {} : { volumeMode: spec.volumeMode }),
      ...(spec.resources === undefined ? {} : { resources: spec.resources }),
      volumeName,
    },
  };
}

/** Kubernetes' own notes of the old binding, and of how the claim was applied. */
function isOfBinding(annotation: string): boolean {
  return (
    /^(pv|volume|volume\.beta)\.kubernetes\.io\//.test(annotation) ||
    annotation === 'kubectl.kubernetes.io/last-applied-configuration'
  );
}

function classOf({ metadata, spec }: PersistentVolume): string {
  return spec.storageClassName ?? classAnnotation(metadata) ?? '';
}

function classAnnotation({ annotations }: PersistentVolume['metadata']): string | undefined {
  return annotations?.['volume.beta.kubernetes.io/storage-class'];
}
