// What is asked of a cluster: so many claims at once, so many pods at once.

const list = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

export function claims(count: number, storageClassName: string): string {
  return list(Array.from({ length: count }, (_, index) => claim(`claim-${index}`, storageClassName)));
}

export function claim(name: string, storageClassName: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { storageClassName, accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Mi' } } },
  };
}

/** Pods on one node; with a claim each of them uses it. */
export function pods(count: number, node: string, claimName?: string): string {
  const volumes = claimName === undefined ? [] : [{ name: 'data', persistentVolumeClaim: { claimName } }];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: '/data' }));
  return list(
    Array.from({ length: count }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${index}` },
      spec: {
        // Through the scheduler, as pods of a Deployment are.
        nodeSelector: { 'kubernetes.io/hostname': node },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'shell', image: 'busybox:1', command: ['sleep', '86400'], volumeMounts }],
        volumes,
      },
    })),
  );
}
