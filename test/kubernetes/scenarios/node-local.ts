import assert from 'node:assert/strict';
import { nodeNames } from '../bed/addresses.ts';
import { installNodeLocal, nodeLocalFolder, uninstallNodeLocal } from '../bed/node-local.ts';
import { claim, list, pod } from '../bed/objects.ts';
import { release } from '../bed/release.ts';
import { scenario } from '../bed/scenario.ts';

export const nodeLocal = scenario(
  'a claim gets its volume on the node where its pod is to run, on both nodes, and only where there is room',
  async (s) => {
    await installNodeLocal(s.cluster);
    await s.example('node-local');
    const pods = await s.readyPods('app=search', 2);
    const nodeOf = new Map<string, string>();
    for (const each of pods) {
      const node = await s.nodeOf(each);
      nodeOf.set(each, node);
      const volume = await s.bound(`data-${each}`);
      const terms = '{.spec.nodeAffinity.required.nodeSelectorTerms[*].matchExpressions[*]';
      assert.equal(
        await s.kubectl.value(['pv', volume], `${terms}.key}${terms}.values[*]}`),
        `topology.local.csi.berth.dev/node${node}`,
      );
      assert.match(await s.cluster.nodes[node].run(`ls ${nodeLocalFolder}/${volume}`), /^disk.*\.img$/);
    }
    assert.deepEqual([...nodeOf.values()].sort(), [...nodeNames]);

    const [first = ''] = pods;
    const node = nodeOf.get(first) ?? '';
    const uid = await s.uid(first);
    await s.run(['delete', 'pod', first]);
    await s.replaced(first, uid);
    assert.equal(await s.nodeOf(first), node);
    assert.equal(await s.exec(first, 'wc -l < /data/starts'), '2');

    const larger = '{"spec":{"resources":{"requests":{"storage":"128Mi"}}}}';
    await s.run(['patch', 'pvc', `data-${first}`, '--type=merge', '--patch', larger]);
    await s.until(['pvc', `data-${first}`], '{.status.capacity.storage}', '128Mi');
    assert.ok(Number(await s.exec(first, "df -m /data | awk 'END { print $2 }'")) > 80);

    const capacities = '{range .items[*]}{.storageClassName} {.nodeTopology.matchLabels}{"\\n"}{end}';
    const objects = ['csistoragecapacities', '-n', release.namespace];
    for (const node of nodeNames) {
      const one = new RegExp(`^berth-local-ext4 .*"${node}"`, 'm');
      await s.kubectl.until(objects, capacities, one);
    }
    await s.apply(
      list(
        claim('huge', {
          storageClassName: 'berth-local-ext4',
          accessMode: 'ReadWriteOnce',
          storage: '64Ti',
        }),
        pod('huge', { claimName: 'huge' }),
      ),
    );
    await s.event('huge', /did not have enough free storage/);
    await s.run(['delete', 'pod', 'huge', '--grace-period=1']);

    await s.run(['delete', 'statefulset', 'search']);
    for (const each of pods) await s.gone(['pod', each]);
    for (const each of ['huge', ...pods.map((owner) => `data-${owner}`)]) {
      await s.run(['delete', 'pvc', each]);
    }
    await uninstallNodeLocal(s.cluster);
  },
);
