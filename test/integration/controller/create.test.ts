import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';

test('a volume is a directory with the mode and owner asked for', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const { volume } = await csi.Controller.CreateVolume({
    ...request('pvc-1', { mode: '2750', uid: '1000', gid: '1001' }),
    capacity_range: { required_bytes: '5368709120' },
  });
  assert.equal(volume?.volume_id, 'scratch/pvc-1');
  assert.equal(volume?.capacity_bytes, '5368709120');
  assert.deepEqual(volume?.volume_context, { pool: 'scratch', subDir: 'pvc-1' });
  const found = await stat(join(machine.pool, 'pvc-1'));
  assert.deepEqual([found.mode & 0o7777, found.uid, found.gid], [0o2750, 1000, 1001]);
});

test('modes are those asked for, whatever umask the driver was started with', async (t) => {
  const machine = await makeMachine(t);
  for (const [name, umask] of Object.entries({ strict: 0o077, stricter: 0o777, lax: 0 })) {
    const own = process.umask(umask);
    // The driver is started before this returns, with the umask of the moment.
    const starting = machine.start({ name });
    process.umask(own);
    const { csi } = await starting;
    await csi.Controller.CreateVolume(request(`${name}-default`));
    await csi.Controller.CreateVolume(request(`${name}-own`, { mode: '0750', subDir: `${name}/a/own` }));
    const modes = ['-default', '', '/a', '/a/own'].map(async (path) => {
      const { mode } = await stat(join(machine.pool, name + path));
      return (mode & 0o7777).toString(8);
    });
    assert.deepEqual(await Promise.all(modes), ['777', '755', '755', '750'], name);
  }
});

test('a repeated CreateVolume gives the same volume, an incompatible one ALREADY_EXISTS', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  const asked = {
    ...request('pvc-1', { onDelete: 'archive' }),
    capacity_range: { required_bytes: '10', limit_bytes: '20' },
  };
  const first = await csi.Controller.CreateVolume(asked);
  assert.deepEqual(await csi.Controller.CreateVolume(asked), first);
  const differing = [
    { ...asked, capacity_range: { required_bytes: '11' } },
    { ...asked, parameters: { onDelete: 'delete' } },
    { ...asked, parameters: { onDelete: 'archive', subDir: 'x' } },
    { ...asked, parameters: { onDelete: 'archive', mode: '0700' } },
    { ...asked, parameters: { onDelete: 'archive', uid: '5' } },
  ];
  for (const other of differing) {
    assert.match(
      await refused(csi.Controller.CreateVolume(other), code.exists),
      /exists already, with another/,
    );
  }
});

test('subDir places a volume by its claim, and Delete leaves the parents', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const parameters = {
    subDir: '${pvc.metadata.namespace}/${pvc.metadata.name}',
    'csi.storage.k8s.io/pvc/name': 'data',
    'csi.storage.k8s.io/pvc/namespace': 'shop',
  };
  const { volume } = await csi.Controller.CreateVolume(request('pvc-1', parameters));
  await writeFile(join(machine.pool, 'shop/data/file'), 'x');
  await csi.Controller.DeleteVolume({ volume_id: volume?.volume_id ?? '' });
  assert.deepEqual(await readdir(join(machine.pool, 'shop')), []);
  await csi.Controller.CreateVolume(request('pvc-2', parameters));
  assert.deepEqual(await readdir(join(machine.pool, 'shop/data')), []);
});

test('no volume takes over a directory that was there, and nothing of it is left or changed', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await mkdir(join(machine.pool, 'old'), { mode: 0o700 });
  await writeFile(join(machine.pool, 'old/data'), 'precious');
  for (const _ of [1, 2]) {
    const message = await refused(
      csi.Controller.CreateVolume(request('pvc-1', { subDir: 'old' })),
      code.exists,
    );
    assert.match(message, /never takes over.*static volume/);
  }
  assert.equal(await readFile(join(machine.pool, 'old/data'), 'utf8'), 'precious');
  assert.equal((await stat(join(machine.pool, 'old'))).mode & 0o7777, 0o700);
  assert.deepEqual((await csi.Controller.ListVolumes({})).entries, []);
  await csi.Controller.CreateVolume(request('pvc-1'));
});

test('volumes never overlap', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(request('pvc-1', { subDir: 'a/b' }));
  await csi.Controller.CreateVolume(request('pvc-2'));
  assert.match(
    await refused(csi.Controller.CreateVolume(request('x', { subDir: 'a/b/c' })), code.exists),
    /overlap/,
  );
  assert.match(
    await refused(csi.Controller.CreateVolume(request('x', { subDir: 'pvc-2/c/d' })), code.exists),
    /overlap/,
  );
  assert.match(
    await refused(csi.Controller.CreateVolume(request('x', { subDir: 'a' })), code.exists),
    /never takes over/,
  );
  assert.match(
    await refused(csi.Controller.CreateVolume(request('x', { subDir: 'a/b' })), code.exists),
    /is the directory of|takes over|lies inside/,
  );
  assert.deepEqual(await readdir(join(machine.pool, 'a/b')), []);
  await csi.Controller.CreateVolume(request('x', { subDir: 'a/c' }));
});

test('a symbolic link on the pool is never followed', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await mkdir(join(machine.directory, 'outside'));
  await symlink('../outside', join(machine.pool, 'link'));
  assert.match(
    await refused(csi.Controller.CreateVolume(request('a', { subDir: 'link/x' })), code.precondition),
    /symbolic link/,
  );
  assert.match(
    await refused(csi.Controller.CreateVolume(request('a', { subDir: 'link' })), code.exists),
    /never takes over/,
  );
  assert.deepEqual(await readdir(join(machine.directory, 'outside')), []);
  const attach = csi.Controller.ControllerPublishVolume({
    volume_id: 'by-hand',
    node_id: 'node-1',
    volume_capability: capability(),
    volume_context: { pool: 'scratch', subDir: 'link' },
  });
  assert.match(await refused(attach, code.precondition), /symbolic link/);
});
