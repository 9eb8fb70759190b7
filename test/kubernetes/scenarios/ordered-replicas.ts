import assert from 'node:assert/strict';
import { scenario } from '../bed/scenario.ts';

export const orderedReplicas = scenario(
  'three ordered replicas keep each its own volume when they are scaled down and up',
  async (s) => {
    await s.example('ordered-replicas');
    await s.readyPods('app=ring', 3);
    await s.run(['scale', 'statefulset', 'ring', '--replicas=1']);
    await s.gone(['pod', 'ring-1']);
    await s.gone(['pod', 'ring-2']);
    await s.run(['scale', 'statefulset', 'ring', '--replicas=3']);
    const pods = await s.readyPods('app=ring', 3);
    for (const pod of pods) assert.equal(await s.exec(pod, 'cat /data/owner'), pod);
    assert.equal((await s.exec('ring-0', 'cat /data/starts')).split('\n').length, 1);
    assert.equal((await s.exec('ring-2', 'cat /data/starts')).split('\n').length, 2);
  },
);
