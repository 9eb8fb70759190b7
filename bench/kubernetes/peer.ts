// csi-driver-nfs on the cluster, so that it is measured beside Berth: its own containers, Berth's sidecar flags.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAptSources } from '../../test/image/apt-sources.ts';
import { makeDebian } from '../../test/image/debian-root.ts';
import { addresses } from '../../test/kubernetes/bed/addresses.ts';
import type { Cluster } from '../../test/kubernetes/bed/cluster.ts';
import { writeImage } from '../../test/kubernetes/bed/image-archive.ts';

export const peerClass = 'peer';
export const peerNamespace = 'peer';
const driver = 'nfs.csi.k8s.io';
const image = 'localhost/csi-driver-nfs:bench';
const programs = ['nfsplugin', 'csi-node-driver-registrar', 'livenessprobe'] as const;

/** One image of all three programs, from a directory that has them; on a Debian with the NFS client and mount. */
export async function writePeerImage(file: string, directory: string): Promise<void> {
  await writeImage(file, {
    tags: [image],
    fill: async (root) => {
      await makeDebian(root, await readAptSources(), ['nfs-common', 'mount']);
      for (const name of programs) await copyFile(join(directory, name), join(root, name));
    },
  });
}

/** Installs it; `sidecarFlags` are those of the provisioner. */
export async function installPeer(cluster: Cluster, sidecarFlags: readonly string[]): Promise<void> {
  await cluster.kubectl.run(['apply', '-f', '-'], JSON.stringify(objects(sidecarFlags)));
  const where = ['-n', peerNamespace];
  await cluster.kubectl.until([...where, 'daemonset', 'node'], '{.status.numberReady}', '2');
  await cluster.kubectl.until([...where, 'deployment', 'controller'], '{.status.readyReplicas}', '1');
  const drivers = '{range .items[*]}{.spec.drivers[*].name}{"\\n"}{end}';
  await cluster.kubectl.until(['csinodes'], drivers, new RegExp(`(${driver}.*\\n.*${driver})`));
}

function objects(sidecarFlags: readonly string[]) {
  const socket = { name: 'socket', mountPath: '/csi' };
  const probe = (port: number) => ({
    name: 'liveness-probe',
    image,
    command: ['/livenessprobe'],
    args: ['--csi-address=/csi/csi.sock', '--probe-timeout=3s', `--http-endpoint=localhost:${port}`, '--v=2'],
    volumeMounts: [socket],
  });
  const plugin = (nodeId: object, mounts: readonly object[]) => ({
    name: 'nfs',
    image,
    command: ['/nfsplugin'],
    args: ['-v=5', '--nodeid=$(NODE_ID)', '--endpoint=unix:///csi/csi.sock'],
    env: [{ name: 'NODE_ID', ...nodeId }],
    securityContext: { privileged: true },
    volumeMounts: [socket, ...mounts],
  });
  const nodeName = { valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } };
  const pods = { name: 'pods', mountPath: '/var/lib/kubelet/pods', mountPropagation: 'Bidirectional' };
  const hostPath = (name: string, path: string) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' } });
  const labelled = (name: string, spec: object) => ({
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { hostNetwork: true, serviceAccountName: 'peer', ...spec },
    },
  });
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: peerNamespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'peer', namespace: peerNamespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'peer' },
      // Its permissions are not what is measured.
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'peer', namespace: peerNamespace }],
    },
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: driver },
      spec: { attachRequired: false, volumeLifecycleModes: ['Persistent'], fsGroupPolicy: 'File' },
    },
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: peerClass },
      provisioner: driver,
      parameters: { server: addresses.server, share: '/' },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'node', namespace: peerNamespace },
      spec: labelled('node', {
        containers: [
          probe(29653),
          {
            name: 'registrar',
            image,
            command: ['/csi-node-driver-registrar'],
            args: [
              '--v=2',
              '--csi-address=/csi/csi.sock',
              '--kubelet-registration-path=/var/lib/kubelet/plugins/csi-nfsplugin/csi.sock',
              '--http-endpoint=localhost:19809',
            ],
            volumeMounts: [socket, { name: 'registration', mountPath: '/registration' }],
          },
          plugin(nodeName, [pods]),
        ],
        volumes: [
          hostPath('socket', '/var/lib/kubelet/plugins/csi-nfsplugin'),
          hostPath('pods', '/var/lib/kubelet/pods'),
          hostPath('registration', '/var/lib/kubelet/plugins_registry'),
        ],
      }),
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'controller', namespace: peerNamespace },
      spec: {
        replicas: 1,
        ...labelled('controller', {
          containers: [
            {
              name: 'provisioner',
              image: 'registry.k8s.io/sig-storage/csi-provisioner:v6.3.0',
              args: [
                '--v=2',
                '--csi-address=/csi/csi.sock',
                '--leader-election',
                `--leader-election-namespace=${peerNamespace}`,
                '--extra-create-metadata=true',
                ...sidecarFlags,
              ],
              volumeMounts: [socket],
            },
            probe(29652),
            plugin(nodeName, [pods]),
          ],
          volumes: [{ name: 'socket', emptyDir: {} }, hostPath('pods', '/var/lib/kubelet/pods')],
        }),
      },
    },
  ];
  return { apiVersion: 'v1', kind: 'List', items };
}
