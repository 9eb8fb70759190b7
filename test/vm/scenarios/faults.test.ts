// What a dead, restarted, rebuilt or moved server does to Berth, and a controller that is killed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { code } from '../../csi/requests.ts';
import { nas, nas2, nfsPool, setName, waitFor } from '../guest/bed.ts';
import { Cluster, left, publish, stage, unpublish, unstage } from '../guest/cluster.ts';

const healLimit = 180_000;

test('a server that is cut off hurts only its own volumes, and all heals when it is back', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas), other: nfsPool(nas2) });
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  const [doomed, writer, other] = [
    await cluster.create('doomed'),
    await cluster.create('writer'),
    await cluster.create('other', { pool: 'other' }),
  ];
  for (const [volume, node] of [
    [doomed, a],
    [writer, b],
    [other, a],
  ] as const) {
    await stage(volume, node);
    await publish(volume, node, volume.id);
  }
  const log = `${b.target(writer.id)}/log`;
  const pod = b.host.start([
    'sh',
    '-c',
    `i=0; while i=$((i+1)); do echo $i >>${log} || exit 1; sleep 0.2; done`,
  ]);
  t.after(() => pod.kill('SIGKILL'));
  await waitFor('the pod writes', () => existsSync(`${nas.export}/writer/log`));

  await nas.cut();
  t.after(() => nas.restore());
  for (let call = 0; call < 3; call += 1) {
    assert.match(
      await refused(cluster.create(`new-${call}`), code.unavailable),
      /The pool nas .*once it is back/,
    );
  }
  await refused(cluster.csi.DeleteVolume({ volume_id: doomed.id }), code.unavailable);
  const health = await cluster.csi.ControllerGetVolumeHealth({ volume_id: doomed.id });
  assert.equal(health.volume_health?.health_statuses[0]?.status, 'INACCESSIBLE');

  const beside = await cluster.create('beside', { pool: 'other' });
  await stage(beside, a);
  await publish(beside, a, beside.id);
  await a.host.run('touch', `${a.target(beside.id)}/alive`, `${a.target(other.id)}/alive`);
  for (const berth of [cluster.controller, a.berth, b.berth]) {
    assert.deepEqual((await berth.client.Identity.Probe({})).ready, { value: true });
  }
  await refused(
    a.csi.NodeGetVolumeStats({ volume_id: doomed.id, volume_path: a.target(doomed.id) }),
    code.unavailable,
  );
  const sick = await a.csi.NodeGetVolumeHealth({
    volume_id: doomed.id,
    volume_publish_path: a.target(doomed.id),
  });
  assert.equal(sick.volume_health?.health_statuses[0]?.status, 'INACCESSIBLE');
  const backends = await waitFor('the node knows of the dead server', async () => {
    const { backend_health } = await a.csi.NodeGetStorageHealth({});
    return backend_health.length > 0 && backend_health;
  });
  assert.match(backends[0]?.message ?? '', /nas/);

  await unpublish(doomed, a, doomed.id);
  assert.ok(!a.mounts().some(({ mountPoint }) => mountPoint === a.target(doomed.id)), 'the pod is torn down');
  await unstage(doomed, a);
  await unpublish(beside, a, beside.id);
  await unstage(beside, a);

  await nas.restore();
  const again = await waitFor('the controller heals', () => cluster.create('again'), healLimit);
  await waitFor(
    'the node heals',
    async () => {
      await stage(again, a);
      await publish(again, a, again.id);
      return true;
    },
    healLimit,
  );
  await a.host.run('touch', `${a.target(again.id)}/alive`);
  const written = readFileSync(`${nas.export}/writer/log`, 'utf8').split('\n').length;
  await waitFor(
    'the pod goes on',
    () => readFileSync(`${nas.export}/writer/log`, 'utf8').split('\n').length > written,
    healLimit,
  );
  assert.equal(pod.exitCode, null, 'the pod saw no error');
  // What was asked for meanwhile is asked for again, as every caller does, and may have been begun.
  for (let call = 0; call < 3; call += 1) await cluster.create(`new-${call}`);
  await waitFor(
    'no volume is reported as ill any more',
    async () => (await cluster.csi.ControllerListVolumeHealth({})).entries.length === 0,
    healLimit,
  );
  pod.kill('SIGKILL');
  await once(pod, 'close');
  await b.host.run('pkill', '-KILL', '-f', log).catch(() => {});
  for (const [volume, node] of [
    [again, a],
    [writer, b],
    [other, a],
  ] as const) {
    await unpublish(volume, node, volume.id);
    await unstage(volume, node);
  }
  for (const node of [a, b]) assert.deepEqual(node.mounts(), []);
});

test('a server that restarts is found again', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  await cluster.create('before');
  await nas.restart();
  await waitFor('the controller goes on', () => cluster.create('after'), healLimit);
  await waitFor(
    'deletes go on',
    async () => {
      for (const name of ['before', 'after']) await cluster.csi.DeleteVolume({ volume_id: `nas/${name}` });
      return true;
    },
    healLimit,
  );
});

test('an export that was rebuilt is mounted anew by controller and nodes', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const a = cluster.node('a');
  const old = await cluster.create('old');
  await stage(old, a);
  await publish(old, a, 'old');
  const backup = mkdtempSync('/tmp/backup-');
  t.after(() => rmSync(backup, { recursive: true }));
  await nas.host.run('cp', '-a', '/srv/export/.', backup);
  await nas.rebuild();
  // An empty disk in the place of the old one must not look as if every volume had been deleted.
  await waitFor(
    'the controller says that its state is gone',
    async () => /has lost Berth's state/.test(await refused(cluster.csi.ListVolumes({}), code.unavailable)),
    healLimit,
  );
  await refused(cluster.csi.DeleteVolume({ volume_id: old.id }), code.unavailable);
  assert.deepEqual(readdirSync(nas.export), []);
  await nas.host.run('cp', '-a', `${backup}/.`, '/srv/export');
  const fresh = await waitFor(
    'the controller works on the new export',
    () => cluster.create('fresh'),
    healLimit,
  );
  await waitFor(
    'the node works on the new export',
    async () => {
      await stage(fresh, a);
      await publish(fresh, a, 'fresh');
      return true;
    },
    healLimit,
  );
  await a.host.run('touch', `${a.target('fresh')}/file`);
  assert.ok(existsSync(`${nas.export}/fresh/file`));
  await cluster.attach(fresh, a);
  await cluster.detach(fresh, a);
  for (const [volume, pod] of [
    [old, 'old'],
    [fresh, 'fresh'],
  ] as const) {
    await unpublish(volume, a, pod);
    await unstage(volume, a);
  }
  assert.deepEqual(a.mounts(), []);
  await cluster.csi.DeleteVolume({ volume_id: fresh.id });
});

test('a server that moved to another address is found by its name', async (t) => {
  await setName('filer.test', nas2.address);
  const cluster = await Cluster.start(t, { filer: nfsPool('filer.test') });
  await cluster.create('before', { pool: 'filer' });
  const moved = '10.9.0.103';
  await nas2.move(nas2.address, moved);
  t.after(() => nas2.move(moved, nas2.address));
  await setName('filer.test', moved);
  await waitFor('the controller finds it', () => cluster.create('after', { pool: 'filer' }), healLimit);
  for (const name of ['before', 'after']) await cluster.csi.DeleteVolume({ volume_id: `filer/${name}` });
});

test('a controller that is killed again and again leaves nothing half done', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const names = Array.from({ length: 12 }, (_, index) => `v${index}`);
  const insist = async (call: () => Promise<unknown>): Promise<void> => {
    await waitFor('the call succeeds in the end', async () => {
      await call();
      return true;
    });
  };
  for (const work of [
    (name: string) => cluster.create(name, { parameters: { onDelete: 'archive' } }),
    (name: string) =>
      cluster.csi.ControllerExpandVolume({
        volume_id: `nas/${name}`,
        capacity_range: { required_bytes: '4096' },
      }),
    (name: string) => cluster.csi.DeleteVolume({ volume_id: `nas/${name}` }),
  ]) {
    let done = false;
    const all = Promise.all(names.map((name) => insist(() => work(name)))).then(() => {
      done = true;
    });
    for (let kill = 0; kill < 3; kill += 1) {
      const before = snapshot();
      await waitFor('something has changed, or all is done', () => snapshot() !== before || done);
      await cluster.killController();
    }
    await all;
    for (const entry of (await cluster.csi.ListVolumes({})).entries) {
      assert.ok(existsSync(`${nas.export}/${entry.volume?.volume_context.subDir}`));
    }
  }
  assert.deepEqual(left(/\bv\d+\b/), []);
  const archived = readdirSync(`${nas.export}/.berth/archive`).filter((name) => /^v\d+-/.test(name));
  assert.equal(archived.length, 2 * names.length, 'each volume and its record is archived once');
});

/** What is on the pool now, as text. */
function snapshot(): string {
  const state = `${nas.export}/.berth`;
  return ['volumes', 'archive', 'trash'].map((folder) => readdirSync(`${state}/${folder}`).join()).join(';');
}

for (const version of ['4.2', '3']) {
  test(`drivers end, and pods are torn down, while a server of NFSv${version} is dead`, async (t) => {
    const cluster = await Cluster.start(t, { nas: nfsPool(nas, [`nfsvers=${version}`]) });
    const [a, b] = [cluster.node('a'), cluster.node('b')];
    const volume = await cluster.create('held');
    for (const node of [a, b]) {
      await stage(volume, node);
      await publish(volume, node, 'held');
    }
    await nas.cut();
    t.after(() => nas.restore());
    // Calls that are under way, and those that fail at once afterwards.
    const lost = Promise.allSettled(['x', 'y', 'z'].map((name) => cluster.create(name)));
    await refused(cluster.create('late'), code.unavailable);
    await unpublish(volume, a, 'held');
    await unstage(volume, a);
    assert.deepEqual(a.mounts(), [], 'nothing is left on the node, the mount of the pool included');
    assert.equal(await a.berth.stop(), 0);
    assert.equal(await cluster.controller.stop(), 0);
    for (const call of await lost) assert.equal(call.status, 'rejected');
    assert.deepEqual(cluster.controllerMounts(), [], 'the drain has unmounted the pool');
    assert.equal(await b.berth.stop(), 0);
    assert.equal(b.mounts().length, 2, 'a driver that ends leaves the pods their volumes');
  });
}

test('a hostile share cannot make a node mount something of the node', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const a = cluster.node('a');
  mkdirSync(`${nas.export}/victim`);
  writeFileSync(a.host.path('/tmp/secret'), 'secret');
  const volume = await cluster.create('trap');
  await nas.host.run('rmdir', '/srv/export/trap');
  await nas.host.run('ln', '-s', '/tmp', '/srv/export/trap');
  await stage(volume, a);
  await assert.rejects(publish(volume, a, 'trap'));
  assert.ok(!a.mounts().some(({ mountPoint }) => mountPoint === a.target('trap')));
  await nas.host.run('rm', '/srv/export/trap');
  await unpublish(volume, a, 'trap');
  await unstage(volume, a);
  await cluster.csi.DeleteVolume({ volume_id: volume.id });
});
