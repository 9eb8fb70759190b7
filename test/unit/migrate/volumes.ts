// PersistentVolumes as the provisioners write them, and as kubectl prints them.

interface Object {
  readonly [key: string]: unknown;
}

export interface Written {
  readonly name: string;
  readonly claim?: string;
  readonly namespace?: string;
  readonly metadata?: Object;
  readonly annotations?: Object;
  readonly spec?: Object;
  readonly status?: Object;
}

export const uid = 'f7a1c5a2-0d8e-4a53-9be4-8a1d1ccf2f6e';

function volume({
  name,
  claim = 'data',
  namespace = 'web',
  metadata,
  annotations,
  spec,
  status,
}: Written): Object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      uid,
      resourceVersion: '4711',
      creationTimestamp: '2026-01-02T03:04:05Z',
      finalizers: ['kubernetes.io/pv-protection'],
      annotations,
      ...metadata,
    },
    spec: {
      accessModes: ['ReadWriteMany'],
      capacity: { storage: '5Gi' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name: claim,
        namespace,
        resourceVersion: '4700',
        uid,
      },
      persistentVolumeReclaimPolicy: 'Retain',
      volumeMode: 'Filesystem',
      ...spec,
    },
    status: { phase: 'Bound', lastPhaseTransitionTime: '2026-01-02T03:04:06Z', ...status },
  };
}

export const subdirName = 'k8s-sigs.io/nfs-subdir-external-provisioner';

/** nfs-subdir-external-provisioner 4.0: in-tree, `<namespace>-<claim>-<volume>` unless pathPattern says otherwise. */
export function ofSubdirProvisioner({
  server = '10.0.0.5',
  path,
  provisioner = subdirName,
  spec,
  ...written
}: Written & { server?: string; path?: string; provisioner?: string }): Object {
  const { name, claim = 'data', namespace = 'web' } = written;
  return volume({
    ...written,
    annotations: { 'pv.kubernetes.io/provisioned-by': provisioner },
    spec: {
      storageClassName: 'nfs-client',
      nfs: { server, path: path ?? `/export/k8s/${namespace}-${claim}-${name}` },
      ...spec,
    },
  });
}

/** csi-driver-nfs: the class's parameters are the attributes; 4.1 and newer add `subDir`. */
export function ofCsiDriverNfs({
  server = '10.0.0.5',
  share = '/export/k8s',
  subDir,
  handle,
  attributes,
  spec,
  ...written
}: Written & {
  server?: string;
  share?: string;
  subDir?: string;
  handle?: string;
  attributes?: Object;
}): Object {
  const { name, claim = 'data', namespace = 'web' } = written;
  const directory = subDir ?? name;
  return volume({
    ...written,
    annotations: {
      'pv.kubernetes.io/provisioned-by': 'nfs.csi.k8s.io',
      'volume.kubernetes.io/provisioner-deletion-secret-name': '',
      'volume.kubernetes.io/provisioner-deletion-secret-namespace': '',
    },
    spec: {
      storageClassName: 'nfs-csi',
      csi: {
        driver: 'nfs.csi.k8s.io',
        volumeHandle: handle ?? `${server}#${share.replace(/^\//, '')}#${directory}#${subDir ? name : ''}#`,
        volumeAttributes: attributes ?? {
          server,
          share,
          subDir: directory,
          'csi.storage.k8s.io/pv/name': name,
          'csi.storage.k8s.io/pvc/name': claim,
          'csi.storage.k8s.io/pvc/namespace': namespace,
          'storage.kubernetes.io/csiProvisionerIdentity': '1700000000000-1234-nfs.csi.k8s.io',
        },
      },
      ...spec,
    },
  });
}

/** Written by hand: no provisioner's annotation. */
export function handWritten({ path, ...written }: Written & { path: string }): Object {
  return volume({
    ...written,
    spec: { storageClassName: '', nfs: { server: '10.0.0.5', path }, ...written.spec },
  });
}

/** What Berth has provisioned, or a static one where the handle is not of Berth's form. */
export function ofBerth({
  handle,
  where,
  ...written
}: Written & { handle: string; where: { subDir: string } | { image: string } }): Object {
  const volumeAttributes = { pool: 'nas', ...where };
  return volume({
    ...written,
    spec: { csi: { driver: 'csi.berth.dev', volumeHandle: handle, volumeAttributes } },
  });
}

/** The claim of a volume, as kubectl prints it. */
export function claimOf({ name, claim = 'data', namespace = 'web', spec, metadata }: Written): Object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claim,
      namespace,
      uid,
      finalizers: ['kubernetes.io/pvc-protection'],
      annotations: {
        'pv.kubernetes.io/bind-completed': 'yes',
        'pv.kubernetes.io/bound-by-controller': 'yes',
        'volume.beta.kubernetes.io/storage-provisioner': subdirName,
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        team: 'photos',
      },
      ...metadata,
    },
    spec: {
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '5Gi' } },
      storageClassName: 'nfs-client',
      volumeMode: 'Filesystem',
      volumeName: name,
      ...spec,
    },
    status: { phase: 'Bound' },
  };
}
