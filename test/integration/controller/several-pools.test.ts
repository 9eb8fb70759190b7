import assert from 'node:assert/strict';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CsiClient } from '../../csi/client.ts';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { deadPool, withPools } from './local-pools.ts';

function attachByHand(csi: CsiClient, handle: string, context: Record<string, string>) {
  return csi.Controller.ControllerPublishVolume({
    volume_id: handle,
    node_id: 'node-1',
    volume_capability: capability('SINGLE_NODE_WRITER'),
    volume_context: context,
  });
}

async function listed(csi: CsiClient): Promise<unknown> {
  const { entries } = await csi.Controller.ListVolumes({});
  return entries.map(({ volume, status }) => [volume?.volume_id, status?.published_node_ids]);
}

test('a list of volumes without those of a pool that is down is refused, and the pool is named', async (t) => {
  const machine = await makeMachine(t);
  const dead = await deadPool(machine, 'dead');
  const flags = await withPools(machine, { dead: dead.path, scratch: machine.pool });
  const { csi } = await machine.start({ flags });
  await csi.Controller.CreateVolume(request('pvc-1', { pool: 'scratch' }));
  assert.match(
    await refused(csi.Controller.ListVolumes({}), code.unavailable),
    /The pool dead cannot be attached/,
  );
  await dead.repair();
  await waitFor('the list is whole', () => csi.Controller.ListVolumes({}));
  assert.deepEqual(await listed(csi), [['scratch/pvc-1', []]]);
});

test('a static volume is detached where it is found, and is not called detached where it was not looked for', async (t) => {
  const machine = await makeMachine(t);
  const dead = await deadPool(machine, 'dead');
  const flags = await withPools(machine, { dead: dead.path, scratch: machine.pool });
  const { csi } = await machine.start({ flags });
  // Another controller, which has the living pool only, tells what is attached there.
  const other = await machine.start({ mode: 'controller', name: 'other' });
  await mkdir(join(machine.pool, 'legacy'));
  await attachByHand(csi, 'by-hand', { pool: 'scratch', subDir: 'legacy' });
  assert.deepEqual(await listed(other.csi), [['by-hand', ['node-1']]]);
  const detach = (handle: string, node_id = 'node-1') =>
    csi.Controller.ControllerUnpublishVolume({ volume_id: handle, node_id });
  await detach('by-hand', 'node-2');
  assert.deepEqual(await listed(other.csi), [['by-hand', ['node-1']]]);
  await detach('by-hand');
  assert.deepEqual(await listed(other.csi), []);
  for (const handle of ['by-hand', 'on-the-dead-one']) {
    assert.match(await refused(detach(handle), code.unavailable), /The pool dead/);
  }
  await dead.repair();
  await waitFor('the pool is back', () => csi.Controller.ListVolumes({}));
  for (const handle of ['by-hand', 'on-the-dead-one']) await detach(handle);
});

test('a volume is not called detached or deleted while its pool is not in the config', async (t) => {
  const machine = await makeMachine(t);
  const retired = join(machine.directory, 'retired');
  const flags = await withPools(machine, { retired, scratch: machine.pool });
  const before = await machine.start({ name: 'before', flags });
  const name = 'pvc-0f2c1d9e-6f55-4b0a-9a39-5f3a1c2b7d10';
  const id = { volume_id: `retired/${name}` };
  await before.csi.Controller.CreateVolume(request(name, { pool: 'retired' }));
  const to = (csi: CsiClient) =>
    csi.Controller.ControllerPublishVolume({
      ...id,
      node_id: 'node-1',
      volume_capability: capability('SINGLE_NODE_WRITER'),
    });
  await to(before.csi);
  const { csi } = await machine.start();
  for (const call of [
    () => csi.Controller.ControllerUnpublishVolume({ ...id, node_id: 'node-1' }),
    () => csi.Controller.ControllerUnpublishVolume(id),
    () => csi.Controller.DeleteVolume(id),
  ]) {
    assert.match(await refused(call(), code.precondition), /put it \(back\) into the config/);
  }
  assert.deepEqual(await listed(before.csi), [[id.volume_id, ['node-1']]]);
});

test('a static volume may have any handle, also one that looks like an id of Berth', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await mkdir(join(machine.pool, 'legacy'));
  const doubtful = 'team/photos';
  for (const handle of [doubtful, 'team:photos', 'nas.example.com/share##', '10.0.0.5/srv/photos']) {
    await attachByHand(csi, handle, { pool: 'scratch', subDir: 'legacy' });
    assert.deepEqual(await listed(csi), [[handle, ['node-1']]]);
    for (let call = 0; call < 2; call += 1) {
      await csi.Controller.ControllerUnpublishVolume({ volume_id: handle, node_id: 'node-1' });
    }
    assert.deepEqual(await listed(csi), []);
    // For all that can be told, a volume that Berth has made of a name chosen by hand, on a pool named team.
    const deletion = csi.Controller.DeleteVolume({ volume_id: handle });
    if (handle === doubtful)
      assert.match(await refused(deletion, code.precondition), /reclaim policy Retain/);
    else await deletion;
  }
  assert.ok((await stat(join(machine.pool, 'legacy'))).isDirectory());
});

test('a volume with a name chosen by hand is not called deleted while its pool is not in the config', async (t) => {
  const machine = await makeMachine(t);
  const retired = join(machine.directory, 'retired');
  const flags = await withPools(machine, { retired, scratch: machine.pool });
  const before = await machine.start({ name: 'before', flags });
  await before.csi.Controller.CreateVolume(request('mysql', { pool: 'retired' }));
  const after = await machine.start();
  const deletion = after.csi.Controller.DeleteVolume({ volume_id: 'retired/mysql' });
  assert.match(await refused(deletion, code.precondition), /put it \(back\) into the config/);
  assert.deepEqual(await listed(before.csi), [['retired/mysql', []]]);
  await before.csi.Controller.DeleteVolume({ volume_id: 'retired/mysql' });
});
