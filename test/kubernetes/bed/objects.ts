// API objects that scenarios and the bench make by the dozen; users' own are in deploy/examples.

/** One text to apply. */
export function list(...items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

export interface ClaimOptions {
  /** Default: the cluster's default one. */
  readonly storageClassName?: string;
  readonly accessMode?: 'ReadWriteMany' | 'ReadWriteOnce' | 'ReadWriteOncePod';
  readonly volumeMode?: 'Filesystem' | 'Block';
  readonly storage?: string;
  /** The snapshot that it is made from. */
  readonly snapshot?: string;
}

/** A claim; for a shared volume where nothing else is said. */
export function claim(
  name: string,
  {
    storageClassName,
    accessMode = 'ReadWriteMany',
    volumeMode = 'Filesystem',
    storage = '1Mi',
    snapshot,
  }: ClaimOptions = {},
): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: {
      ...(storageClassName === undefined ? {} : { storageClassName }),
      accessModes: [accessMode],
      volumeMode,
      resources: { requests: { storage } },
      ...(snapshot === undefined
        ? {}
        : { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: snapshot } }),
    },
  };
}

/** A snapshot of a claim, of the driver's default class where no other is named. */
export function snapshot(name: string, claim: string): object {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name },
    spec: { source: { persistentVolumeClaimName: claim } },
  };
}

export interface PodOptions {
  /** Mounted at /data. */
  readonly claimName?: string;
  /** More claims, by the names of the directories at which they are mounted, such as `ext4` for /ext4. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Of a volume that the pod has as its device /dev/data. */
  readonly deviceClaim?: string;
  /** The pod may only read its volumes. */
  readonly readOnly?: boolean;
  /** Through the scheduler all the same, as pods of a Deployment are. */
  readonly node?: string;
  /** A shell's; without one the pod sleeps. */
  readonly script?: string;
  /** Of another image than busybox; it is to have a shell. */
  readonly image?: string;
  /** The script ends, and is not started again. */
  readonly once?: boolean;
}

/** A pod of one container. */
export function pod(
  name: string,
  {
    claimName,
    mounts = {},
    deviceClaim,
    readOnly = false,
    node,
    script = 'sleep 86400',
    image = 'busybox:1',
    once = false,
  }: PodOptions = {},
): object {
  const volumes = Object.entries({ data: claimName, ...mounts, device: deviceClaim }).flatMap(
    ([volume, claim]) =>
      claim === undefined ? [] : [{ name: volume, persistentVolumeClaim: { claimName: claim, readOnly } }],
  );
  const isDevice = (volume: { readonly name: string }) => volume.name === 'device';
  const volumeDevices = volumes
    .filter(isDevice)
    .map(({ name: volume }) => ({ name: volume, devicePath: '/dev/data' }));
  const volumeMounts = volumes
    .filter((volume) => !isDevice(volume))
    .map(({ name: volume }) => ({ name: volume, mountPath: `/${volume}` }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      restartPolicy: once ? 'Never' : 'Always',
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [{ name: 'shell', image, command: ['sh', '-c', script], volumeMounts, volumeDevices }],
      volumes,
    },
  };
}
