import assert from 'node:assert/strict';
import { type CallTimes, callTimes } from '../bed/call-times.ts';
import { claim, list } from '../bed/objects.ts';
import { type Scenario, scenario } from '../bed/scenario.ts';

const count = 200;

/** Does the work, and tells how long it took for one claim, and what of it the CSI calls took. */
async function measured(s: Scenario, what: string, method: string, work: () => Promise<void>) {
  const look = () =>
    Promise.all([callTimes(s.cluster, 'provisioner', method), callTimes(s.cluster, 'controller', method)]);
  const before = await look();
  const startedAt = performance.now();
  await work();
  const took = performance.now() - startedAt;
  const [sidecar, driver] = (await look()).map((after, index) => mean(before[index], after));
  s.tell(
    `${count} claims ${what} in ${(took / 1000).toFixed(1)} s, ${Math.round(took / count)} ms each; ` +
      `a ${method}, many at once, took ${sidecar} for the provisioner, of it ${driver} in Berth`,
  );
}

function mean(before: CallTimes | undefined, after: CallTimes): string {
  const calls = after.count - (before?.count ?? 0);
  return `${Math.round((1000 * (after.seconds - (before?.seconds ?? 0))) / calls)} ms (${calls} calls)`;
}

export const manyClaims = scenario(
  `${count} claims at once are bound, each to a volume of its own, and deleted`,
  async (s) => {
    const claims = list(...Array.from({ length: count }, (_, index) => claim(`claim-${index}`)));
    await measured(s, 'bound', 'CreateVolume', async () => {
      await s.apply(claims);
      const phases = '{range .items[*]}{.status.phase}{"\\n"}{end}';
      await s.until(['pvc'], phases, new RegExp(`^(Bound\\n?){${count}}$`));
    });
    const directories = await s.cluster.server.run('ls /srv/export | wc -l');
    assert.equal(Number(directories), count);
    const volumes = await s.kubectl.value(['pv'], '{.items[*].spec.csi.volumeHandle}');
    assert.equal(new Set(volumes.split(' ')).size, count);
    await measured(s, 'deleted', 'DeleteVolume', async () => {
      await s.remove(claims);
      await s.kubectl.gone(['pv']);
    });
  },
);
