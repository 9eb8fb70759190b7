// A volume's life on a kernel NFS mount: two nodes, restarts, reboots, every call twice.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { code } from '../../csi/requests.ts';
import { nas, nfsPool, waitFor } from '../guest/bed.ts';
import { Cluster, left, publish, stage, stagingPath, unpublish, unstage } from '../guest/cluster.ts';

for (const version of ['4.2', '3']) {
  test(`two nodes share volumes over NFSv${version}, through one mount of the pool on each`, async (t) => {
    const cluster = await Cluster.start(t, { nas: nfsPool(nas, [`nfsvers=${version}`]) });
    const [a, b] = [cluster.node('a'), cluster.node('b')];
    const volumes = [await cluster.create('shared-1'), await cluster.create('shared-2')];
    for (const volume of volumes) {
      for (const node of [a, b]) {
        await waitFor('the node has announced itself', async () => {
          await cluster.attach(volume, node);
          return true;
        });
        await stage(volume, node);
        await publish(volume, node, `${volume.id}-1`);
        await publish(volume, node, `${volume.id}-2`);
      }
      await a.host.run('sh', '-c', `echo from a >${a.target(`${volume.id}-1`)}/file`);
      assert.equal(await b.host.run('cat', `${b.target(`${volume.id}-2`)}/file`), 'from a');
      assert.equal(readFileSync(`${nas.export}/${volume.context.subDir}/file`, 'utf8'), 'from a\n');
    }
    for (const node of [a, b]) {
      const pool = node.poolMounts();
      assert.equal(pool.length, 1, 'the pool is mounted once');
      assert.deepEqual(new Set(node.mounts().map(({ device }) => device)), new Set([pool[0]?.device]));
      assert.equal(node.mounts().length, 5);
    }
    for (const node of [a, b]) {
      for (const volume of volumes) {
        for (const pod of ['1', '2']) await unpublish(volume, node, `${volume.id}-${pod}`);
        await unstage(volume, node);
        await cluster.detach(volume, node);
      }
      assert.deepEqual(node.mounts(), [], 'nothing is left on the node');
    }
    for (const volume of volumes) await cluster.csi.DeleteVolume({ volume_id: volume.id });
    await waitFor('nothing is left of the volumes', () => left(/\bshared-/).length === 0);
    assert.equal(await cluster.controller.stop(), 0);
    assert.deepEqual(cluster.controllerMounts(), [], 'the drain has unmounted the pool');
  });
}

test('a volume for one node is refused on the second until it is detached', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  const volume = await cluster.create('rwo', { mode: 'SINGLE_NODE_MULTI_WRITER' });
  await waitFor('node a has announced itself', () => cluster.attach(volume, a).then(() => true));
  await waitFor(
    'node b has announced itself',
    () =>
      existsSync(`${nas.export}/.berth/nodes/b`) || readdirSync(`${nas.export}/.berth/nodes`).includes('b'),
  );
  assert.match(await refused(cluster.attach(volume, b), code.precondition), /it is attached to a/);
  await cluster.killController();
  assert.match(await refused(cluster.attach(volume, b), code.precondition), /it is attached to a/);
  await cluster.detach(volume, a);
  await cluster.attach(volume, b);
  await cluster.detach(volume, b);
  await cluster.csi.DeleteVolume({ volume_id: volume.id });
});

test('every call twice is the same as once, also after a restart of the driver and a reboot of the node', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const a = cluster.node('a');
  const plain = await cluster.create('plain');
  const own = await cluster.create('own', { flags: ['noatime', 'actimeo=5'] });
  for (const between of [async () => {}, () => a.restart(), () => a.reboot()]) {
    for (const volume of [plain, own]) {
      await stage(volume, a);
      await stage(volume, a);
      const target = await publish(volume, a, volume.id);
      const before = a.mounts().length;
      await publish(volume, a, volume.id);
      assert.equal(a.mounts().length, before, 'a second publish mounts nothing');
      await a.host.run('sh', '-c', `echo kept >${target}/file`);
    }
    await between();
    for (const volume of [plain, own]) {
      await stage(volume, a);
      const target = await publish(volume, a, volume.id);
      assert.equal(await a.host.run('cat', `${target}/file`), 'kept');
      assert.equal(
        a.mounts().filter(({ mountPoint }) => mountPoint === target).length,
        1,
        'no second bind is stacked',
      );
    }
    await between();
    for (const volume of [plain, own]) {
      for (let twice = 0; twice < 2; twice += 1) await unpublish(volume, a, volume.id);
      assert.ok(
        !readdirSync(a.host.path(`/kubelet-a/pods/${volume.id}`)).includes('mount'),
        'the target is gone',
      );
      for (let twice = 0; twice < 2; twice += 1) await unstage(volume, a);
    }
    assert.deepEqual(a.mounts(), [], 'nothing is left on the node');
  }
  for (const volume of [plain, own]) await cluster.csi.DeleteVolume({ volume_id: volume.id });
});

test('a volume with mount options of its own has its own mount with them', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const a = cluster.node('a');
  const own = await cluster.create('own', { flags: ['noatime', 'acregmin=7'] });
  await stage(own, a);
  const target = await publish(own, a, 'pod');
  const found = a.mounts().find(({ mountPoint }) => mountPoint === target);
  assert.match(found?.superOptions ?? '', /acregmin=7/);
  assert.match(found?.options ?? '', /noatime/);
  await unpublish(own, a, 'pod');
  await unstage(own, a);
  assert.deepEqual(a.mounts(), []);
  await cluster.csi.DeleteVolume({ volume_id: own.id });
});

test('a read-only publication cannot be written, a second target of RWOP is refused, stats tell of the volume', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const a = cluster.node('a');
  const volume = await cluster.create('rwop', { mode: 'SINGLE_NODE_SINGLE_WRITER' });
  await stage(volume, a);
  const target = await publish(volume, a, 'reader', true);
  assert.notEqual(await a.host.status('touch', `${target}/file`), 0);
  await refused(publish(volume, a, 'reader'), code.exists);
  await refused(publish(volume, a, 'other'), code.precondition);
  await a.restart();
  await refused(publish(volume, a, 'other'), code.precondition);
  const { usage } = await a.csi.NodeGetVolumeStats({ volume_id: volume.id, volume_path: target });
  assert.deepEqual(usage.map(({ unit }) => unit).sort(), ['BYTES', 'INODES']);
  for (const { total, available } of usage)
    assert.ok(BigInt(total) > 0n && BigInt(available) <= BigInt(total));
  await unpublish(volume, a, 'reader');
  await unstage(volume, a);
  assert.ok(existsSync(a.host.path(stagingPath(volume, a))), 'the staging directory is the caller’s');
  await cluster.csi.DeleteVolume({ volume_id: volume.id });
});

test('an export with root_squash works, and says what it does not permit', async (t) => {
  const tree = `${nas.export}/squashed`;
  mkdirSync(tree);
  chmodSync(tree, 0o777);
  await nas.squashRoot(true);
  t.after(async () => {
    await nas.squashRoot(false);
    rmSync(tree, { recursive: true });
  });
  const pool = { nfs: { server: nas.address, path: '/squashed', mountOptions: ['nfsvers=4.2'] } };
  const cluster = await Cluster.start(t, { nas: pool });
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  const volume = await cluster.create('plain');
  const stats = statSync(`${tree}/plain`);
  assert.deepEqual([stats.uid, stats.mode & 0o7777], [65534, 0o777]);
  assert.match(
    await refused(cluster.create('owned', { parameters: { uid: '1000' } }), code.invalid),
    /root_squash/,
  );
  assert.ok(!existsSync(`${tree}/owned`));
  await cluster.create('team', { parameters: { subDir: 'team/a', mode: '0750', onDelete: 'archive' } });
  for (const mode of ['0000', '2770', '1777']) {
    const { id } = await cluster.create(`mode-${mode}`, { parameters: { mode } });
    await cluster.csi.DeleteVolume({ volume_id: id });
  }
  for (const node of [a, b]) {
    await waitFor('the node has announced itself', () => cluster.attach(volume, node).then(() => true));
    await stage(volume, node);
    await publish(volume, node, 'plain');
  }
  await a.host.run('sh', '-c', `echo hello >${a.target('plain')}/file`);
  assert.equal(await b.host.run('cat', `${b.target('plain')}/file`), 'hello');
  await cluster.csi.ControllerExpandVolume({
    volume_id: volume.id,
    capacity_range: { required_bytes: '4096' },
  });
  for (const node of [a, b]) {
    await unpublish(volume, node, 'plain');
    await unstage(volume, node);
    await cluster.detach(volume, node);
  }
  for (const name of ['plain', 'team']) await cluster.csi.DeleteVolume({ volume_id: `nas/${name}` });
  await waitFor(
    'nothing is left but the archive',
    () =>
      ['volumes', 'trash', 'paths'].flatMap((folder) => readdirSync(`${tree}/.berth/${folder}`)).length === 0,
  );
  assert.equal(readdirSync(`${tree}/.berth/archive`).length, 2);
  assert.deepEqual(readdirSync(tree).sort(), ['.berth', 'team']);
});
