import assert from 'node:assert/strict';
import { assertNoneMissing, counting } from '../bed/counting.ts';
import { claim, list, pod } from '../bed/objects.ts';
import { scenario } from '../bed/scenario.ts';

export const deadServer = scenario(
  'while the NFS server is cut off other pods come and go, and its own can be deleted; writers go on after it',
  async (s) => {
    await s.example('default-class');
    await s.bound('notes');
    await s.ready('notes');
    const node = await s.nodeOf('notes');
    // The only pod of its volume: its end takes a volume off the node.
    await s.apply(list(claim('alone'), pod('alone', { claimName: 'alone', node })));
    await s.apply(list(pod('writer', { claimName: 'notes', node, script: counting('writer', 1) })));
    await s.ready('writer');
    await s.ready('alone');
    await s.cluster.server.cutOff();
    try {
      // A pod without a volume starts and stops beside it, on the node that waits for the server.
      const bystander = list(pod('bystander', { node }));
      await s.apply(bystander);
      await s.ready('bystander');
      await s.remove(bystander);
      await s.run(['delete', 'pod', 'notes', 'alone', '--wait=false']);
      await s.gone(['pod', 'notes']);
      await s.gone(['pod', 'alone']);
      const volume = await s.bound('alone');
      assert.doesNotMatch(await s.cluster.nodes[node].run('cat /proc/self/mountinfo'), new RegExp(volume));
    } finally {
      await s.cluster.server.reconnect();
    }
    const before = await s.exec('writer', 'tail -n 1 /data/writer');
    await s.exec('writer', `until [ "$(tail -n 1 /data/writer)" -gt ${before} ]; do sleep 1; done`);
    assertNoneMissing(await s.exec('writer', 'cat /data/writer'));
  },
);
