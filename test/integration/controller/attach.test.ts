import assert from 'node:assert/strict';
import { mkdir, readdir, readlink, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';

test('a single-node volume is on one node at a time', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await machine.start({ mode: 'node', name: 'node-2', nodeId: 'node-2' });
  await csi.Controller.CreateVolume(request('pvc-1'));
  const to = (
    node: string,
    mode: 'SINGLE_NODE_WRITER' | 'MULTI_NODE_MULTI_WRITER' = 'SINGLE_NODE_WRITER',
    readonly = false,
  ) =>
    csi.Controller.ControllerPublishVolume({
      volume_id: 'scratch/pvc-1',
      node_id: node,
      volume_capability: capability(mode),
      readonly,
    });
  const from = (node: string) =>
    csi.Controller.ControllerUnpublishVolume({ volume_id: 'scratch/pvc-1', node_id: node });
  await to('node-1');
  await to('node-1');
  assert.match(await refused(to('node-2'), code.precondition), /attached to node-1/);
  assert.match(
    await refused(to('node-2', 'MULTI_NODE_MULTI_WRITER'), code.precondition),
    /attached to node-1/,
  );
  assert.match(await refused(to('node-1', 'SINGLE_NODE_WRITER', true), code.exists), /in another way/);
  assert.match(
    await refused(csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' }), code.precondition),
    /attached to node-1/,
  );
  assert.deepEqual((await csi.Controller.ListVolumes({})).entries[0]?.status?.published_node_ids, ['node-1']);
  await from('node-2');
  assert.match(await refused(to('node-2'), code.precondition), /attached to node-1/);
  await from('node-1');
  await from('node-1');
  await to('node-2', 'MULTI_NODE_MULTI_WRITER');
  await to('node-1', 'MULTI_NODE_MULTI_WRITER');
  assert.match(await refused(to('node-1'), code.exists), /in another way/);
  const { status } = await csi.Controller.ControllerGetVolume({ volume_id: 'scratch/pvc-1' });
  assert.deepEqual([...(status?.published_node_ids ?? [])].sort(), ['node-1', 'node-2']);
  await csi.Controller.ControllerUnpublishVolume({ volume_id: 'scratch/pvc-1' });
  assert.deepEqual(await readdir(join(machine.pool, '.berth/volumes')), ['pvc-1']);
  await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
});

test('the attach limit of a node holds, also when calls come at once', async (t) => {
  const { csi } = await (await makeMachine(t)).start({ flags: ['--max-volumes-per-node', '2'] });
  const ids = ['a', 'b', 'c', 'd'].map((name) => `scratch/${name}`);
  for (const name of ['a', 'b', 'c', 'd']) await csi.Controller.CreateVolume(request(name));
  const attach = (id: string) =>
    csi.Controller.ControllerPublishVolume({
      volume_id: id,
      node_id: 'node-1',
      volume_capability: capability(),
    });
  const results = await Promise.allSettled(ids.map(attach));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2);
  const full = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code);
  assert.deepEqual(full, [code.exhausted, code.exhausted]);
});

test('a static volume is attached where its directory is, listed while attached, and never deleted', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await mkdir(join(machine.pool, 'legacy/data'), { recursive: true });
  const attach = (subDir: string, id = 'by-hand') =>
    csi.Controller.ControllerPublishVolume({
      volume_id: id,
      node_id: 'node-1',
      volume_capability: capability(),
      volume_context: { pool: 'scratch', subDir },
    });
  await attach('legacy/data');
  await attach('legacy/data');
  assert.match(
    await refused(csi.Controller.CreateVolume(request('inside', { subDir: 'legacy/data/x' })), code.exists),
    /lies inside, the directory of the volume by-hand/,
  );
  const { entries } = await csi.Controller.ListVolumes({});
  assert.deepEqual(
    entries.map(({ volume }) => volume?.volume_id),
    ['by-hand'],
  );
  await csi.Controller.DeleteVolume({ volume_id: 'by-hand' });
  assert.deepEqual(await readdir(join(machine.pool, 'legacy')), ['data']);
  await csi.Controller.ControllerUnpublishVolume({ volume_id: 'by-hand', node_id: 'node-1' });
  assert.deepEqual((await csi.Controller.ListVolumes({})).entries, []);
  await refused(attach('nowhere'), code.notFound);
  await refused(attach('../x'), code.invalid);
  await refused(attach('.berth/volumes'), code.invalid);
  await csi.Controller.CreateVolume(request('pvc-1'));
  assert.match(await refused(attach('pvc-1', 'thief'), code.precondition), /overlaps/);
});

test('a volume that is being deleted is attached in no way, nor is a static one of its directory', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const created = await csi.Controller.CreateVolume(request('pvc-1'));
  const context = created.volume?.volume_context ?? {};
  const records = join(machine.pool, '.berth/volumes');
  const { id } = JSON.parse(await readlink(join(records, 'pvc-1')));
  // As a controller leaves it that is killed in the middle of a deletion.
  await rename(join(records, 'pvc-1'), join(records, `,pvc-1.${id}.deleting`));
  const attach = (handle: string, volume_context: Record<string, string>) =>
    csi.Controller.ControllerPublishVolume({
      volume_id: handle,
      node_id: 'node-1',
      volume_capability: capability(),
      volume_context,
    });
  for (const handle of ['scratch/pvc-1', 'by-hand']) {
    assert.match(
      await refused(attach(handle, { ...context, pool: 'scratch' }), code.aborted),
      /being deleted/,
    );
  }
  assert.deepEqual(await readdir(records), [`,pvc-1.${id}.deleting`]);
  await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
  for (const handle of ['scratch/pvc-1', 'by-hand']) {
    await refused(attach(handle, { ...context, pool: 'scratch' }), code.aborted).catch(() =>
      refused(attach(handle, { ...context, pool: 'scratch' }), code.notFound),
    );
  }
  assert.ok(!(await readdir(machine.pool)).includes('pvc-1'));
});
