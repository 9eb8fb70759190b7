import assert from 'node:assert/strict';
import { scenario } from '../bed/scenario.ts';

export const accessModes = [
  scenario('many pods on both nodes read a volume, and none can write to it', async (s) => {
    const { server } = s.cluster;
    s.keeps('/srv/export/library');
    await server.run('mkdir /srv/export/library && echo text > /srv/export/library/book');
    await s.example('many-readers', {
      'namespace: default': `namespace: ${s.namespace}`,
      'replicas: 4': 'replicas: 2',
    });
    const pods = await s.readyPods('app=readers', 2);
    const nodes = await Promise.all(pods.map((pod) => s.nodeOf(pod)));
    assert.deepEqual(new Set(nodes), new Set(['a', 'b']));
    for (const pod of pods) {
      assert.equal(await s.exec(pod, 'cat /data/book'), 'text');
      await assert.rejects(s.exec(pod, 'touch /data/mine'), /Read-only file system/);
    }
    assert.equal(await server.run('ls /srv/export/library'), 'book');
  }),
  scenario(
    'a volume for one node is refused on the second, the pod says why, and gets it in its turn',
    async (s) => {
      await s.example('one-node-at-a-time');
      const [running, waiting] = await s.oneOf('diary-first', 'diary-second');
      await s.event(waiting, /Multi-Attach error/);
      // That was Kubernetes, which waits for the first node. Berth refuses by itself whoever asks all the same.
      const here = await s.nodeOf(running);
      const attachment = secondAttachment(s.namespace, await s.bound('diary'), here === 'a' ? 'b' : 'a');
      await s.apply(attachment);
      const why = '{.status.attachError.message}';
      await s.until(['volumeattachment', s.namespace], why, new RegExp(`it is attached to ${here},`));
      await s.remove(attachment);
      await s.exec(running, 'date >> /data/visits');
      await s.run(['delete', 'pod', running]);
      await s.ready(waiting);
      assert.equal((await s.exec(waiting, 'cat /data/visits')).split('\n').length, 3);
    },
  ),
  scenario('a volume for one pod is refused to a second one, which says why', async (s) => {
    await s.example('one-pod-at-a-time');
    const [running, waiting] = await s.oneOf('vault-first', 'vault-second');
    // Not an event: the scheduler leaves out those that say the same again.
    const why = '{.status.conditions[?(@.type=="PodScheduled")].message}';
    await s.until(['pod', waiting], why, /ReadWriteOncePod/);
    await s.run(['delete', 'pod', running]);
    await s.ready(waiting);
    assert.equal((await s.exec(waiting, 'cat /data/visits')).split('\n').length, 2);
  }),
  scenario('a pod without root writes to a private volume through its fsGroup', async (s) => {
    await s.example('without-root');
    await s.ready('letters');
    assert.notEqual(await s.exec('letters', 'id -u'), '0');
    const group = await s.value(['pod', 'letters'], '{.spec.securityContext.fsGroup}');
    await s.exec('letters', 'echo dear > /data/letter');
    assert.equal(await s.exec('letters', 'stat -c %g /data/letter'), group);
    await assert.rejects(s.exec('letters', 'chown 0 /data/letter'), /not permitted/);
  }),
];

function secondAttachment(name: string, persistentVolumeName: string, nodeName: string): string {
  return JSON.stringify({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name },
    spec: { attacher: 'csi.berth.dev', nodeName, source: { persistentVolumeName } },
  });
}
