import assert from 'node:assert/strict';
import { readdir, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';

test('pages hold together while volumes come and go', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  for (let index = 10; index < 30; index += 1) await csi.Controller.CreateVolume(request(`v${index}`));
  const first = await csi.Controller.ListVolumes({ max_entries: 7 });
  assert.equal(first.entries.length, 7);
  const last = first.entries.at(-1)?.volume?.volume_id ?? '';
  await csi.Controller.DeleteVolume({ volume_id: last });
  await csi.Controller.CreateVolume(request('a-new-first-one'));
  const rest = await csi.Controller.ListVolumes({ starting_token: first.next_token });
  const names = [...first.entries, ...rest.entries].map(({ volume }) => volume?.volume_id);
  assert.equal(new Set(names).size, 20);
  assert.equal(rest.next_token, '');
  const exact = await csi.Controller.ListVolumes({ max_entries: 20 });
  assert.equal(exact.next_token, '');
  assert.match(
    await refused(csi.Controller.ListVolumes({ starting_token: 'nonsense' }), code.aborted),
    /token/,
  );
  await refused(csi.Controller.ListVolumes({ max_entries: -1 }), code.invalid);
});

test('a volume grows, never shrinks, and can be told what becomes of its data', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume({ ...request('pvc-1'), capacity_range: { required_bytes: '1000' } });
  const id = { volume_id: 'scratch/pvc-1' };
  const grow = (required_bytes: string, limit_bytes = '0') =>
    csi.Controller.ControllerExpandVolume({ ...id, capacity_range: { required_bytes, limit_bytes } });
  assert.deepEqual(await grow('3000'), { capacity_bytes: '3000', node_expansion_required: false });
  assert.equal((await grow('2000')).capacity_bytes, '3000');
  assert.match(await refused(grow('1000', '2000'), code.range), /smaller/);
  await refused(grow('2000', '1000'), code.invalid);
  await refused(
    csi.Controller.ControllerModifyVolume({
      ...id,
      mutable_parameters: { onDelete: 'retain', mode: '0700' },
    }),
    code.invalid,
  );
  await csi.Controller.ControllerModifyVolume({ ...id, mutable_parameters: { onDelete: 'retain' } });
  const { entries } = await csi.Controller.ListVolumes({});
  assert.equal(entries[0]?.volume?.capacity_bytes, '3000');
  await csi.Controller.DeleteVolume(id);
  assert.ok((await stat(join(machine.pool, 'pvc-1'))).isDirectory());
});

test('a record that cannot be read is named, and the other volumes still work', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const name of ['good', 'torn', 'file']) await csi.Controller.CreateVolume(request(name));
  const records = join(machine.pool, '.berth/volumes');
  await unlink(join(records, 'torn'));
  await symlink('{"v":1,"id":', join(records, 'torn'));
  await unlink(join(records, 'file'));
  await writeFile(join(records, 'file'), '');
  const again = await machine.start({ mode: 'controller', name: 'other' });
  for (const name of ['torn', 'file']) {
    const id = { volume_id: `scratch/${name}` };
    for (const call of [
      () => again.csi.Controller.DeleteVolume(id),
      () => again.csi.Controller.CreateVolume(request(name)),
      () => again.csi.Controller.ControllerExpandVolume({ ...id, capacity_range: { required_bytes: '5' } }),
    ]) {
      assert.match(await refused(call(), code.internal), new RegExp(`\\.berth/volumes/${name}`));
    }
    const { volume_health } = await again.csi.Controller.ControllerGetVolumeHealth(id);
    assert.equal(volume_health?.health_statuses[0]?.reason, 'RecordUnreadable');
  }
  assert.deepEqual(await readdir(machine.pool).then((names) => names.sort()), [
    '.berth',
    'file',
    'good',
    'torn',
  ]);
  const { entries } = await again.csi.Controller.ListVolumes({});
  assert.equal(entries.length, 3);
  await again.csi.Controller.DeleteVolume({ volume_id: 'scratch/good' });
});

test('health tells of what is wrong only, by page', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const name of ['a', 'b', 'c', 'd']) await csi.Controller.CreateVolume(request(name));
  assert.deepEqual((await csi.Controller.ControllerListVolumeHealth({})).entries, []);
  for (const name of ['b', 'd']) await rename(join(machine.pool, name), join(machine.directory, name));
  const first = await csi.Controller.ControllerListVolumeHealth({ max_entries: 1 });
  assert.deepEqual(
    first.entries.map(({ volume_id, health_statuses }) => [
      volume_id,
      health_statuses[0]?.status,
      health_statuses[0]?.reason,
    ]),
    [['scratch/b', 'DATA_LOSS', 'DirectoryGone']],
  );
  const rest = await csi.Controller.ControllerListVolumeHealth({ starting_token: first.next_token });
  assert.deepEqual(
    rest.entries.map(({ volume_id }) => volume_id),
    ['scratch/d'],
  );
  const { volume_health } = await csi.Controller.ControllerGetVolumeHealth({ volume_id: 'scratch/a' });
  assert.deepEqual(volume_health?.health_statuses, []);
  await refused(csi.Controller.ControllerGetVolumeHealth({ volume_id: 'scratch/zzz' }), code.notFound);
});
