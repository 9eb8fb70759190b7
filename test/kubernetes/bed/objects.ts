// API objects that scenarios and the bench make by the dozen; users' own are in deploy/examples.

/** One text to apply. */
export function list(...items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** A claim for a shared volume; without a class it is of the cluster's default one. */
export function claim(name: string, storageClassName?: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: {
      ...(storageClassName === undefined ? {} : { storageClassName }),
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '1Mi' } },
    },
  };
}

export interface PodOptions {
  /** Mounted at /data. */
  readonly claimName?: string;
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
  { claimName, node, script = 'sleep 86400', image = 'busybox:1', once = false }: PodOptions = {},
): object {
  const volumes = claimName === undefined ? [] : [{ name: 'data', persistentVolumeClaim: { claimName } }];
  const volumeMounts = volumes.map((volume) => ({ name: volume.name, mountPath: '/data' }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      restartPolicy: once ? 'Never' : 'Always',
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [{ name: 'shell', image, command: ['sh', '-c', script], volumeMounts }],
      volumes,
    },
  };
}
