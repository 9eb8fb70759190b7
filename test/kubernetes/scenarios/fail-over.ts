import assert from 'node:assert/strict';
import { giveUp, takeBack } from '../bed/out-of-service.ts';
import { scenario } from '../bed/scenario.ts';

scenario('three ordered replicas keep each its own volume when they are scaled down and up', async (s) => {
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
});

scenario('a replica whose node lost power starts on the other node with its own volume', async (s) => {
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
});
