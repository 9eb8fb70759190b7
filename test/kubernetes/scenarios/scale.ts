import assert from 'node:assert/strict';
import { claim, list } from '../bed/objects.ts';
import { scenario } from '../bed/scenario.ts';

const count = 200;

scenario(`${count} claims at once are bound, each to a volume of its own, and deleted`, async (s) => {
  const claims = list(...Array.from({ length: count }, (_, index) => claim(`claim-${index}`)));
  await s.apply(claims);
  const phases = '{range .items[*]}{.status.phase}{"\\n"}{end}';
  await s.until(['pvc'], phases, new RegExp(`^(Bound\\n?){${count}}$`));
  const directories = await s.cluster.server.run('ls /srv/export | wc -l');
  assert.equal(Number(directories), count);
  const volumes = await s.kubectl.value(['pv'], '{.items[*].spec.csi.volumeHandle}');
  assert.equal(new Set(volumes.split(' ')).size, count);
  await s.remove(claims);
  await s.kubectl.gone(['pv']);
});
