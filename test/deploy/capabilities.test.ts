import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from '../csi/requests.ts';
import { requireGoTool } from '../setup/go-tools.ts';
import { capabilityCount, cappedTo } from '../support/capabilities.ts';
import { makeMachine } from '../support/driver.ts';
import { waitFor } from '../vm/guest/wait-for.ts';
import { containerOf, objectsOf, template, theOnly, valuesOf, type Workload } from './helm.ts';

// Of NFS pools: test/vm/scenarios/capabilities.test.ts.
test("the controller's capabilities are enough for a local pool", async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const controller = theOnly<Workload>(objectsOf(await template(valuesOf('single-node'))), 'StatefulSet');
  const { add = [] } = containerOf(controller, 'berth').securityContext?.capabilities ?? {};
  const machine = await makeMachine(t);
  const driver = await machine.start({ mode: 'controller', prefix: cappedTo(add) });
  assert.equal(capabilityCount(driver.process.pid ?? 0), add.length);
  const { Controller } = driver.csi;

  const owned = { mode: '2750', uid: '1000', gid: '2000', subDir: 'team/a' };
  await Controller.CreateVolume(request('pvc-1', owned));
  const { uid, gid, mode } = await stat(join(machine.pool, 'team/a'));
  assert.deepEqual([uid, gid, mode & 0o7777], [1000, 2000, 0o2750]);

  // What a pod leaves behind: directories of another user that nobody else may enter.
  const inner = join(machine.pool, 'team/a/private');
  await mkdir(join(inner, 'deeper'), { recursive: true });
  await writeFile(join(inner, 'deeper/file'), 'x');
  for (const directory of [join(inner, 'deeper'), inner]) await chown(directory, 1000, 2000);
  await Promise.all([inner, join(inner, 'deeper')].map((path) => chmod(path, 0o700)));
  await Controller.ControllerExpandVolume({
    volume_id: 'scratch/pvc-1',
    capacity_range: { required_bytes: '4096' },
  });
  await Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
  const trash = join(machine.pool, '.berth/trash');
  await waitFor('the trash is empty', async () => (await readdir(trash)).length === 0);

  // An archive in a sticky directory of somebody else.
  await chown(join(machine.pool, 'team'), 1000, 1000);
  await chmod(join(machine.pool, 'team'), 0o1777);
  await Controller.CreateVolume(request('pvc-2', { ...owned, onDelete: 'archive' }));
  await Controller.DeleteVolume({ volume_id: 'scratch/pvc-2' });
  assert.equal((await readdir(join(machine.pool, '.berth/archive'))).length, 2, driver.log());
  assert.equal(await driver.end('SIGTERM'), 0);
});
