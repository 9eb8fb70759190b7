import assert from 'node:assert/strict';
import { readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { repeatUnfinished } from '../../support/repeat-unfinished.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { withPools } from './local-pools.ts';

test('two controllers on one pool: one writer, no lost change, no torn record', async (t) => {
  const machine = await makeMachine(t);
  const one = await machine.start({ name: 'one' });
  const two = await machine.start({ mode: 'controller', name: 'two' });
  await machine.start({ mode: 'node', name: 'n2', nodeId: 'node-2' });
  const drivers = [one.csi.Controller, two.csi.Controller] as const;
  const id = { volume_id: 'scratch/pvc-1' };
  const created = await Promise.all(drivers.map((controller) => controller.CreateVolume(request('pvc-1'))));
  assert.deepEqual(created[0], created[1]);
  const asked = { volume_id: id.volume_id, volume_capabilities: [capability()] };
  const rounds = 20;
  for (let round = 1; round <= rounds; round += 1) {
    const attached = await Promise.allSettled(
      drivers.map((controller, index) =>
        controller.ControllerPublishVolume({
          ...id,
          node_id: `node-${index + 1}`,
          volume_capability: capability('SINGLE_NODE_WRITER'),
        }),
      ),
    );
    const refusals = attached.filter((result) => result.status === 'rejected').map(({ reason }) => reason);
    assert.equal(refusals.length, 1, `round ${round}`);
    assert.equal(refusals[0].code, code.precondition, String(refusals[0]));
    assert.match(refusals[0].details, /it is attached to node-[12], and only one node may have it/);
    const mutable_parameters = { onDelete: (rounds - round) % 2 === 0 ? 'archive' : 'retain' };
    const size = String(round * 1000);
    await Promise.all([
      repeatUnfinished(() =>
        drivers[0].ControllerExpandVolume({ ...id, capacity_range: { required_bytes: size } }),
      ),
      repeatUnfinished(() => drivers[1].ControllerModifyVolume({ ...id, mutable_parameters })),
    ]);
    for (const controller of drivers) {
      const { volume } = await controller.ControllerGetVolume(id);
      assert.equal(volume?.capacity_bytes, size);
      const { confirmed } = await controller.ValidateVolumeCapabilities({ ...asked, mutable_parameters });
      assert.ok(confirmed, `onDelete is ${mutable_parameters.onDelete} in round ${round}`);
    }
    for (const controller of drivers) await controller.ControllerUnpublishVolume(id);
  }
  assert.deepEqual(await readdir(join(machine.pool, '.berth/volumes')), ['pvc-1']);
  await drivers[0].DeleteVolume(id);
  assert.deepEqual(await readdir(machine.pool), ['.berth']);
  const archived = await readdir(join(machine.pool, '.berth/archive'));
  assert.equal(
    archived.filter((name) => name.startsWith('pvc-1-')).length,
    2,
    'the directory and its record',
  );
});

test('a client that gives up does not stop the work; its retry finds it done', async (t) => {
  const machine = await makeMachine(t);
  const filesystem = await loopFilesystem(t, 'ext4');
  const flags = await withPools(machine, { loop: filesystem.path });
  const { csi } = await machine.start({ mode: 'controller', flags });
  await csi.Controller.CreateVolume(request('warm-up'));
  const create = (deadline = Date.now() + 60_000) =>
    csi.Controller.CreateVolume(request('pvc-1'), { deadline });
  await filesystem.freeze();
  // The client gives up while the driver waits in the kernel; that it does so is told by the refusal of the next one.
  await waitFor('the work goes on without a client', async () => {
    const { code: failure } = await create(Date.now() + 200).catch((error) => error);
    return failure === code.aborted;
  });
  assert.deepEqual((await readdir(filesystem.path)).includes('pvc-1'), false);
  await filesystem.thaw();
  // Nobody asks for it again.
  const record = join(filesystem.path, '.berth/volumes/pvc-1');
  const made = await waitFor('the volume is made', async () => {
    const { entries } = await csi.Controller.ListVolumes({});
    return entries.length === 2 && readlink(record);
  });
  const { volume } = await repeatUnfinished(() => create());
  assert.equal(volume?.volume_id, 'loop/pvc-1');
  assert.equal(await readlink(record), made, 'the retry finds that volume');
  assert.ok((await stat(join(filesystem.path, 'pvc-1'))).isDirectory());
});
