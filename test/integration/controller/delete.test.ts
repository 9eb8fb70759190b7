import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';

test('archived volumes of one name do not collide, and their records are kept', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const text of ['one', 'two']) {
    await csi.Controller.CreateVolume(request('pvc-1', { onDelete: 'archive' }));
    await writeFile(join(machine.pool, 'pvc-1/file'), text);
    await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
  }
  const archive = join(machine.pool, '.berth/archive');
  const entries = (await readdir(archive)).filter((name) => !name.endsWith('.record'));
  const texts = await Promise.all(entries.map((entry) => readFile(join(archive, entry, 'file'), 'utf8')));
  assert.deepEqual(texts.sort(), ['one', 'two']);
  for (const entry of entries) assert.match(entry, /^pvc-1-\d{8}T\d{6}Z-/);
});

test('a retained volume stays where it is', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(request('pvc-1', { onDelete: 'retain' }));
  await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
  assert.ok((await stat(join(machine.pool, 'pvc-1'))).isDirectory());
  assert.deepEqual((await csi.Controller.ListVolumes({})).entries, []);
});

test('deleting follows no link out of the volume and empties the trash in the background', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(request('pvc-1'));
  await mkdir(join(machine.directory, 'outside'));
  await writeFile(join(machine.directory, 'outside/keep'), 'x');
  await symlink(join(machine.directory, 'outside'), join(machine.pool, 'pvc-1/link'));
  await mkdir(join(machine.pool, 'pvc-1', ...Array.from({ length: 60 }, () => 'deep')), { recursive: true });
  await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
  const trash = join(machine.pool, '.berth/trash');
  await waitFor('the trash is empty', async () => (await readdir(trash)).length === 0);
  assert.deepEqual(await readdir(join(machine.directory, 'outside')), ['keep']);
});
