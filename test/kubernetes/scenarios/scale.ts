import assert from 'node:assert/strict';
import { scenario } from '../bed/scenario.ts';

const count = 200;

function claim(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Mi' } } },
  };
}

scenario(`${count} claims at once are bound, each to a volume of its own, and deleted`, async (s) => {
  const items = Array.from({ length: count }, (_, index) => claim(`claim-${index}`));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await s.apply(list);
  const phases = '{range .items[*]}{.status.phase}{"\\n"}{end}';
  await s.until(['pvc'], phases, new RegExp(`^(Bound\\n?){${count}}$`));
  const directories = await s.cluster.server.run('ls /srv/export | wc -l');
  assert.equal(Number(directories), count);
  const volumes = await s.kubectl.value(['pv'], '{.items[*].spec.csi.volumeHandle}');
  assert.equal(new Set(volumes.split(' ')).size, count);
  await s.remove(list);
  await s.kubectl.gone(['pv']);
});
