import assert from 'node:assert/strict';
import { scenario } from '../bed/scenario.ts';

export const sharing = scenario('the pods of a Deployment on both nodes share one directory', async (s) => {
  await s.example('shared-by-a-deployment', { 'replicas: 4': 'replicas: 2' });
  const pods = await s.readyPods('app=guestbook', 2);
  const nodes = await Promise.all(pods.map((pod) => s.nodeOf(pod)));
  assert.deepEqual(new Set(nodes), new Set(['a', 'b']));
  for (const pod of pods) assert.deepEqual((await s.exec(pod, 'ls /data')).split('\n').sort(), pods.sort());
});
