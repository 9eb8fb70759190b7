import assert from 'node:assert/strict';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { assertNoneMissing, counting } from '../bed/counting.ts';
import { claim, list, pod } from '../bed/objects.ts';
import { scenario } from '../bed/scenario.ts';

export const kubeletRestart = scenario(
  'kubelet is restarted under a volume in use, and takes down the volume of a pod that went meanwhile',
  async (s) => {
    const node = 'a';
    await s.apply(
      list(claim('stays'), pod('stays', { claimName: 'stays', node, script: counting('lines', 1) })),
    );
    await s.apply(list(claim('goes'), pod('goes', { claimName: 'goes', node })));
    await s.ready('stays');
    await s.ready('goes');
    const volume = await s.bound('goes');
    const machine = s.cluster.nodes[node];
    await machine.run('touch /run/node/kubelet-is-off; kill $(pidof kubelet)');
    try {
      await s.until(['node', node], '{.status.conditions[?(@.type=="Ready")].status}', 'Unknown');
      await s.run(['delete', 'pod', 'goes', '--force', '--grace-period=0']);
      await s.gone(['pod', 'goes']);
      assert.match(await machine.run('cat /proc/self/mountinfo'), new RegExp(volume));
    } finally {
      await machine.run('rm /run/node/kubelet-is-off');
    }
    await s.cluster.ready([node]);
    const isMounted = `grep -c ${volume} /proc/self/mountinfo || true`;
    await waitFor(
      'kubelet has the volume unmounted',
      async () => (await machine.run(isMounted)) === '0',
      240_000,
    );
    assert.equal(await s.value(['pod', 'stays'], '{.status.containerStatuses[0].restartCount}'), '0');
    assertNoneMissing(await s.exec('stays', 'cat /data/lines'));
  },
);
