import assert from 'node:assert/strict';
import { giveUp, takeBack } from '../bed/out-of-service.ts';
import { scenario } from '../bed/scenario.ts';

export const failOver = scenario(
  'a replica whose node lost power starts on the other node with its own volume',
  async (s) => {
    await s.example('ordered-replicas', { 'replicas: 3': 'replicas: 1' });
    await s.ready('ring-0');
    const [lost, old] = [await s.nodeOf('ring-0'), await s.uid('ring-0')];
    await s.cluster.nodes[lost].powerOff();
    await giveUp(s.cluster, lost);
    await s.replaced('ring-0', old);
    assert.notEqual(await s.nodeOf('ring-0'), lost);
    assert.equal((await s.exec('ring-0', 'cat /data/starts')).split('\n').length, 2);
    await s.cluster.nodes[lost].start();
    await takeBack(s.cluster, lost);
  },
);
