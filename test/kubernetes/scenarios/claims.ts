import assert from 'node:assert/strict';
import { pathOf } from '../bed/export.ts';
import { scenario } from '../bed/scenario.ts';

export const claims = [
  scenario(
    'a claim without a class gets a volume of the default class, and its pod writes to it',
    async (s) => {
      await s.example('default-class');
      const volume = await s.bound('notes');
      assert.equal(await s.value(['pvc', 'notes'], '{.spec.storageClassName}'), 'berth');
      await s.ready('notes');
      const path = await pathOf(s.kubectl, volume);
      assert.match(await s.cluster.server.run(`cat ${path}/visits`), /20\d\d/);
      await s.run(['delete', 'pod', 'notes']);
      await s.run(['delete', 'pvc', 'notes']);
      await s.kubectl.gone(['pv', volume]);
      assert.equal(await s.cluster.server.run(`ls -d ${path} 2>/dev/null || echo gone`), 'gone');
    },
  ),
  scenario('a volume of a class that waits is made when its first pod is scheduled', async (s) => {
    const { rest, last: pod } = await s.exampleParts('wait-for-first-consumer');
    await s.apply(rest);
    await s.event('scratch', /waiting for first consumer/);
    assert.equal(await s.value(['pvc', 'scratch'], '{.status.phase}{.spec.volumeName}'), 'Pending');
    await s.apply(pod);
    await s.ready('scratch');
    assert.equal(await s.value(['pvc', 'scratch'], '{.status.phase}'), 'Bound');
  }),
  scenario('what becomes of the data of a deleted claim is said by its class', async (s) => {
    const { server } = s.cluster;
    await s.example('on-delete');
    const made = async (claim: string) => {
      const volume = await s.bound(claim);
      const path = await pathOf(s.kubectl, volume);
      await server.run(`echo ${claim} > ${path}/precious`);
      return { claim, volume, path };
    };
    const cache = await made('cache');
    const invoices = await made('invoices');
    const reports = await made('reports');
    const ledger = await made('ledger');
    for (const { claim } of [cache, invoices, reports, ledger]) await s.run(['delete', 'pvc', claim]);
    for (const { volume } of [cache, invoices, reports]) await s.kubectl.gone(['pv', volume]);
    await s.kubectl.until(['pv', ledger.volume], '{.status.phase}', 'Released');
    const found = async (claim: string) =>
      (await server.run(`grep -rlxs --include=precious ${claim} /srv/export || true`)).split('\n');
    assert.deepEqual(await found('reports'), [`${reports.path}/precious`]);
    assert.deepEqual(await found('ledger'), [`${ledger.path}/precious`]);
    const [archived = '', ...more] = await found('invoices');
    assert.match(archived, /^\/srv\/export\/\.berth\/archive\/.+\/precious$/);
    assert.deepEqual(more, []);
    assert.equal(await server.run(`ls -d ${cache.path} 2>/dev/null || echo gone`), 'gone');
    // What is kept is the administrator's to remove.
    await s.kubectl.run(['delete', 'pv', ledger.volume]);
    await server.run(`rm -r ${reports.path} ${ledger.path} /srv/export/.berth/volumes/${ledger.volume}`);
    await s.archiveRemoved(invoices.volume);
  }),
  scenario('a directory is named by its claim and the namespace where the class says so', async (s) => {
    await s.example('directory-names');
    const volume = await s.bound('holidays');
    const path = `/srv/export/${s.namespace}/holidays`;
    assert.equal(await s.cluster.server.run(`stat --format=%F ${path}`), 'directory');
    await s.run(['delete', 'pvc', 'holidays']);
    await s.kubectl.gone(['pv', volume]);
    await s.archiveRemoved(volume);
    await s.cluster.server.run(`rmdir /srv/export/${s.namespace}`);
  }),
];
