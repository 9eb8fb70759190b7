import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { capability, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { repeatAborted } from '../../support/repeat-aborted.ts';

test('two controllers on one pool: one writer, no lost change, no torn record', async (t) => {
  const machine = await makeMachine(t);
  const one = await machine.start({ name: 'one' });
  const two = await machine.start({ mode: 'controller', name: 'two' });
  await machine.start({ mode: 'node', name: 'n2', nodeId: 'node-2' });
  const drivers = [one.csi.Controller, two.csi.Controller] as const;
  const id = { volume_id: 'scratch/pvc-1' };
  const created = await Promise.all(drivers.map((controller) => controller.CreateVolume(request('pvc-1'))));
  assert.deepEqual(created[0], created[1]);
  for (let round = 1; round <= 20; round += 1) {
    const attached = await Promise.allSettled(
      drivers.map((controller, index) =>
        controller.ControllerPublishVolume({
          ...id,
          node_id: `node-${index + 1}`,
          volume_capability: capability('SINGLE_NODE_WRITER'),
        }),
      ),
    );
    assert.equal(attached.filter(({ status }) => status === 'fulfilled').length, 1, `round ${round}`);
    await Promise.all(
      drivers.map((controller, index) =>
        repeatAborted<unknown>(() =>
          index === 0
            ? controller.ControllerExpandVolume({
                ...id,
                capacity_range: { required_bytes: String(round * 1000) },
              })
            : controller.ControllerModifyVolume({
                ...id,
                mutable_parameters: { onDelete: round % 2 === 0 ? 'delete' : 'archive' },
              }),
        ),
      ),
    );
    const { volume } = await drivers[1].ControllerGetVolume(id);
    assert.equal(volume?.capacity_bytes, String(round * 1000));
    for (const controller of drivers) await controller.ControllerUnpublishVolume(id);
  }
  assert.deepEqual(await readdir(join(machine.pool, '.berth/volumes')), ['pvc-1']);
  await drivers[0].DeleteVolume(id);
  assert.deepEqual(await readdir(machine.pool), ['.berth']);
});

test('a client that gives up does not stop the work; its retry finds it done', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(request('warm-up'));
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      csi.Controller.CreateVolume(request(`pvc-${index}`), { deadline: Date.now() + 2 }),
    ),
  );
  assert.ok(
    results.some(({ status }) => status === 'rejected'),
    'some clients gave up',
  );
  for (let index = 0; index < 20; index += 1) {
    await repeatAborted(() => csi.Controller.CreateVolume(request(`pvc-${index}`)));
  }
  assert.equal((await csi.Controller.ListVolumes({})).entries.length, 21);
});
