import assert from 'node:assert/strict';
import { scenario } from '../bed/scenario.ts';

const writer = (name: string, claim: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: writer
      image: busybox:1
      command: [sh, -c, 'n=0; while true; do n=$((n + 1)); echo $n >> /data/${name}; sync; sleep 1; done']
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: ${claim}}}]
`;

const plain = `
apiVersion: v1
kind: Pod
metadata: {name: bystander}
spec:
  terminationGracePeriodSeconds: 1
  nodeName: NODE
  containers: [{name: shell, image: busybox:1, command: [sleep, '86400']}]
`;

scenario(
  'while the NFS server is cut off other pods come and go, and its own can be deleted; writers go on after it',
  async (s) => {
    await s.example('default-class');
    await s.bound('notes');
    await s.ready('notes');
    const node = await s.nodeOf('notes');
    const onNode = (yaml: string) => yaml.replace('spec:', `spec:\n  nodeName: ${node}`);
    await s.apply(onNode(writer('writer', 'notes')));
    await s.ready('writer');
    await s.cluster.server.cutOff();
    try {
      // A pod without a volume starts and stops beside it, on the node that waits for the server.
      const bystander = plain.replace('NODE', node);
      await s.apply(bystander);
      await s.ready('bystander');
      await s.remove(bystander);
      await s.run(['delete', 'pod', 'notes', '--wait=false']);
      await s.gone(['pod', 'notes']);
    } finally {
      await s.cluster.server.reconnect();
    }
    const count = async () => Number((await s.exec('writer', 'tail -n 1 /data/writer')) || 0);
    const before = await count();
    await s.exec('writer', `until [ "$(tail -n 1 /data/writer)" -gt ${before} ]; do sleep 1; done`);
    // Not one line is missing.
    const lines = (await s.exec('writer', 'cat /data/writer')).split('\n');
    assert.deepEqual(
      lines,
      lines.map((_, index) => String(index + 1)),
    );
  },
);
