import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { withPools } from './local-pools.ts';

/** A controller with one pool on a filesystem of its own, attached and with one volume. */
async function controllerOn(t: TestContext) {
  const machine = await makeMachine(t);
  const filesystem = await loopFilesystem(t, 'ext4');
  // A directory of the filesystem, so that what fills it is not in the pool.
  const pool = join(filesystem.path, 'pool');
  await mkdir(pool);
  const flags = await withPools(machine, { loop: pool });
  const { csi } = await machine.start({ mode: 'controller', flags });
  await csi.Controller.CreateVolume(request('before'));
  const left = async () => (await readdir(pool, { recursive: true })).sort();
  return { filesystem, controller: csi.Controller, left, before: await left() };
}

test('a full pool is RESOURCE_EXHAUSTED, nothing is left of the volume, and the retry makes it', async (t) => {
  const { filesystem, controller, left, before } = await controllerOn(t);
  await filesystem.fill();
  // Its record is too long to be kept in the inode: it needs a block as well.
  const wanted = request('pvc-1', { subDir: `team/${'x'.repeat(100)}` });
  for (let call = 0; call < 3; call += 1) {
    assert.match(await refused(controller.CreateVolume(wanted), code.exhausted), /pool loop/);
    assert.deepEqual(await left(), before);
  }
  // Deleting makes room, so it must not need any.
  await controller.DeleteVolume({ volume_id: 'loop/before' });
  assert.deepEqual((await controller.ListVolumes({})).entries, []);
  await filesystem.empty();
  const { volume } = await controller.CreateVolume(wanted);
  assert.equal(volume?.volume_id, 'loop/pvc-1');
  await controller.DeleteVolume({ volume_id: 'loop/pvc-1' });
});

test('a pool that has become read-only is FAILED_PRECONDITION, and everything on it stays as it is', async (t) => {
  const { filesystem, controller, left, before } = await controllerOn(t);
  await filesystem.remount('ro');
  const changes = [
    () => controller.CreateVolume(request('pvc-1')),
    () =>
      controller.ControllerExpandVolume({
        volume_id: 'loop/before',
        capacity_range: { required_bytes: '1000' },
      }),
    () => controller.DeleteVolume({ volume_id: 'loop/before' }),
  ];
  for (const change of changes) assert.match(await refused(change(), code.precondition), /read-only/);
  const { entries } = await controller.ListVolumes({});
  assert.deepEqual(
    entries.map(({ volume }) => volume?.volume_id),
    ['loop/before'],
  );
  assert.deepEqual(await left(), before);
  await filesystem.remount('rw');
  for (const change of changes) await change();
});
