// Snapshots and what is made from them, on real filesystems: with blocks that can be shared (xfs), and without (ext4).
import assert from 'node:assert/strict';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import type { CsiClient } from '../../csi/client.ts';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { type Driver, makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { makeEverything } from '../../support/make-everything.ts';
import { repeatUnfinished } from '../../support/repeat-unfinished.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { withPools } from './local-pools.ts';

const mebibyte = 1 << 20;

const fromSnapshot = (name: string) => ({ snapshot: { snapshot_id: `scratch/${name}` } });
const fromVolume = (name: string) => ({ volume: { volume_id: `scratch/${name}` } });

function rawRequest(name: string, size: number) {
  return {
    name,
    capacity_range: { required_bytes: size },
    volume_capabilities: [{ access_mode: { mode: 'SINGLE_NODE_WRITER' as const }, block: {} }],
  };
}

/** Asks until the snapshot is ready, and gives it. */
async function takeSnapshot({ Controller }: CsiClient, name: string, volume: string) {
  const asked = { name, source_volume_id: `scratch/${volume}` };
  return waitFor(`the snapshot ${name}`, async () => {
    const { snapshot } = await Controller.CreateSnapshot(asked);
    return snapshot?.ready_to_use === true ? snapshot : undefined;
  });
}

/** What is on a pool beside its volumes: nothing once all is deleted and the trash emptied. */
async function waitForNothing(pool: string): Promise<void> {
  for (const folder of ['snapshots', 'copies', 'trash']) {
    const path = join(pool, '.berth', folder);
    await waitFor(`${folder} is empty`, async () => (await readdir(path)).length === 0);
  }
}

for (const type of ['xfs', 'ext4'] as const) {
  test(`a snapshot has every entry of a directory, whatever becomes of that, and so has a volume from it: ${type}`, async (t) => {
    const { path: pool } = await loopFilesystem(t, type);
    const machine = await makeMachine(t);
    const { csi } = await machine.start({ flags: await withPools(machine, { scratch: pool }) });
    await csi.Controller.CreateVolume({ ...request('pvc-1'), capacity_range: { required_bytes: 1000 } });
    await makeEverything(join(pool, 'pvc-1'));
    const before = describeTree(join(pool, 'pvc-1'));
    const { snapshot_id, size_bytes, source_volume_id } = await takeSnapshot(csi, 'snap', 'pvc-1');
    assert.deepEqual([snapshot_id, size_bytes, source_volume_id], ['scratch/snap', '1000', 'scratch/pvc-1']);
    await writeFile(join(pool, 'pvc-1/a/file'), 'changed');
    await rm(join(pool, 'pvc-1/a/b'), { recursive: true });
    await csi.Controller.CreateVolume({ ...request('clone'), volume_content_source: fromVolume('pvc-1') });
    assert.deepEqual(describeTree(join(pool, 'clone')), describeTree(join(pool, 'pvc-1')));
    await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });

    const asked = { ...request('pvc-2'), volume_content_source: fromSnapshot('snap') };
    const { volume } = await csi.Controller.CreateVolume(asked);
    assert.deepEqual(describeTree(join(pool, 'pvc-2')), before);
    assert.equal(volume?.capacity_bytes, '1000');
    assert.equal(volume?.content_source?.snapshot?.snapshot_id, 'scratch/snap');
    // The second time, and once the snapshot has gone: it is that volume.
    assert.deepEqual(await csi.Controller.CreateVolume(asked), { volume });
    await csi.Controller.DeleteSnapshot({ snapshot_id });
    assert.deepEqual(await csi.Controller.CreateVolume(asked), { volume });
    assert.deepEqual(describeTree(join(pool, 'pvc-2')), before);
    assert.deepEqual((await csi.Controller.ListSnapshots({})).entries, []);
    for (const name of ['pvc-2', 'clone'])
      await csi.Controller.DeleteVolume({ volume_id: `scratch/${name}` });
    await waitForNothing(pool);
    assert.deepEqual(
      (await readdir(pool)).filter((name) => name !== 'lost+found'),
      ['.berth'],
    );
  });

  test(`the snapshot of an image is that image, and a volume from it may be larger: ${type}`, async (t) => {
    const { path: pool } = await loopFilesystem(t, type);
    const machine = await makeMachine(t);
    const { csi } = await machine.start({ flags: await withPools(machine, { scratch: pool }) });
    await csi.Controller.CreateVolume(rawRequest('raw', 8 * mebibyte));
    const image = join(pool, 'raw/disk.img');
    await execa`dd if=/dev/urandom of=${image} bs=1M count=3 seek=2 conv=notrunc status=none`;
    const { size_bytes } = await takeSnapshot(csi, 'snap', 'raw');
    assert.equal(size_bytes, String(8 * mebibyte));
    const source = { volume_content_source: fromSnapshot('snap') };
    await csi.Controller.CreateVolume({ ...rawRequest('same', 0), ...source });
    await csi.Controller.CreateVolume({ ...rawRequest('larger', 12 * mebibyte), ...source });
    const imageOf = async (name: string) => join(pool, name, (await readdir(join(pool, name)))[0] ?? '');
    await execa`cmp ${image} ${await imageOf('same')}`;
    await truncate(image, 12 * mebibyte);
    await execa`cmp ${image} ${await imageOf('larger')}`;
    // Neither the snapshot's blocks nor the other's are written to.
    await writeFile(await imageOf('same'), 'other');
    await execa`cmp ${image} ${await imageOf('larger')}`;
    const { stdout: blocks } = await execa`stat -c %b ${await imageOf('larger')}`;
    assert.ok(Number(blocks) * 512 < 6 * mebibyte, 'holes are holes in the copy');
    const smaller = { ...rawRequest('smaller', 4 * mebibyte), ...source };
    assert.match(await refused(csi.Controller.CreateVolume(smaller), code.range), /has 8388608 bytes/);
  });
}

async function start(
  t: TestContext,
): Promise<{ pool: string; csi: CsiClient; start: () => Promise<Driver> }> {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const startAnother = () => machine.start({ mode: 'controller', name: 'two' });
  return { pool: machine.pool, csi, start: startAnother };
}

test('snapshots are listed by page, by their volume and by themselves', async (t) => {
  const { csi } = await start(t);
  const { Controller } = csi;
  for (const name of ['pvc-1', 'pvc-2']) await Controller.CreateVolume(request(name));
  for (const name of ['a', 'b', 'c']) await takeSnapshot(csi, name, name === 'b' ? 'pvc-2' : 'pvc-1');
  const ids = async (asked: Parameters<typeof Controller.ListSnapshots>[0]) => {
    const { entries } = await Controller.ListSnapshots(asked);
    return entries.map(({ snapshot }) => snapshot?.snapshot_id);
  };
  assert.deepEqual(await ids({}), ['scratch/a', 'scratch/b', 'scratch/c']);
  assert.deepEqual(await ids({ source_volume_id: 'scratch/pvc-1' }), ['scratch/a', 'scratch/c']);
  assert.deepEqual(await ids({ snapshot_id: 'scratch/b' }), ['scratch/b']);
  for (const absent of ['scratch/none', 'elsewhere/a', 'nonsense']) {
    assert.deepEqual(await ids({ snapshot_id: absent }), []);
    assert.deepEqual(await ids({ source_volume_id: absent }), []);
  }
  const { entries, next_token } = await Controller.ListSnapshots({ max_entries: 1 });
  assert.equal(entries[0]?.snapshot?.snapshot_id, 'scratch/a');
  // The token is good for what comes next, also when its own has gone and others have come.
  await Controller.DeleteSnapshot({ snapshot_id: 'scratch/a' });
  await takeSnapshot(csi, 'a2', 'pvc-1');
  assert.deepEqual(await ids({ starting_token: next_token, max_entries: 2 }), ['scratch/a2', 'scratch/b']);
  const { snapshot } = await Controller.GetSnapshot({ snapshot_id: 'scratch/b' });
  assert.equal(snapshot?.source_volume_id, 'scratch/pvc-2');
  await refused(Controller.GetSnapshot({ snapshot_id: 'scratch/a' }), code.notFound);
  assert.deepEqual(await Controller.DeleteSnapshot({ snapshot_id: 'scratch/a' }), {});
});

test('what cannot be copied is refused with the reason', async (t) => {
  const { csi } = await start(t);
  const { Controller } = csi;
  await Controller.CreateVolume(request('pvc-1'));
  await Controller.CreateVolume(request('pvc-2'));
  await Controller.CreateVolume(rawRequest('raw', mebibyte));
  await takeSnapshot(csi, 'snap', 'pvc-1');
  const of = (source_volume_id: string, name = 'snap') =>
    Controller.CreateSnapshot({ name, source_volume_id });
  const make = (volume_content_source: ReturnType<typeof fromSnapshot | typeof fromVolume>, name = 'new') =>
    Controller.CreateVolume({ ...request(name), volume_content_source });
  assert.match(await refused(of('scratch/pvc-2'), code.exists), /of another volume/);
  await refused(of('scratch/none', 'other'), code.notFound);
  await refused(of('nonsense', 'other'), code.notFound);
  await refused(make(fromSnapshot('none')), code.notFound);
  await refused(make(fromVolume('none')), code.notFound);
  assert.match(
    await refused(make(fromVolume('raw')), code.invalid),
    /is a raw device, and a shared directory/,
  );
  assert.match(await refused(make(fromSnapshot('snap'), 'pvc-2'), code.exists), /with another source/);
  const unknown = { name: 'x', source_volume_id: 'scratch/pvc-1', parameters: { speed: 'high' } };
  assert.match(await refused(Controller.CreateSnapshot(unknown), code.invalid), /"speed"/);
  const added = { 'csi.storage.k8s.io/volumesnapshot/name': 'n' };
  await Controller.CreateSnapshot({ name: 'x', source_volume_id: 'scratch/pvc-1', parameters: added });
});

test('a snapshot or a volume of another pool is refused as a source', async (t) => {
  const machine = await makeMachine(t);
  const pools = { one: join(machine.directory, 'one'), two: join(machine.directory, 'two') };
  for (const path of Object.values(pools)) await execa`mkdir ${path}`;
  const { csi } = await machine.start({ flags: await withPools(machine, pools) });
  await csi.Controller.CreateVolume(request('pvc-1', { pool: 'one' }));
  await csi.Controller.CreateSnapshot({ name: 'snap', source_volume_id: 'one/pvc-1' });
  for (const source of [{ snapshot: { snapshot_id: 'one/snap' } }, { volume: { volume_id: 'one/pvc-1' } }]) {
    const asked = { ...request('new', { pool: 'two' }), volume_content_source: source };
    assert.match(await refused(csi.Controller.CreateVolume(asked), code.invalid), /on another pool than two/);
  }
});

test('two controllers make one snapshot, and one volume from it', async (t) => {
  const { pool, csi, start: startAnother } = await start(t);
  const drivers = [csi, (await startAnother()).csi];
  await csi.Controller.CreateVolume(request('pvc-1'));
  await writeFile(join(pool, 'pvc-1/file'), 'content');
  const asked = { name: 'snap', source_volume_id: 'scratch/pvc-1' };
  const [one, two] = await Promise.all(
    drivers.map(({ Controller }) => repeatUnfinished(() => Controller.CreateSnapshot(asked))),
  );
  assert.deepEqual(one, two);
  assert.equal((await readdir(join(pool, '.berth/snapshots'))).length, 2, 'one record, and its data');
  const wanted = { ...request('pvc-2'), volume_content_source: fromSnapshot('snap') };
  const [three, four] = await Promise.all(
    drivers.map(({ Controller }) => repeatUnfinished(() => Controller.CreateVolume(wanted))),
  );
  assert.deepEqual(three, four);
  assert.deepEqual(await readdir(join(pool, 'pvc-2')), ['file']);
});

test('a snapshot that does not fit is refused, and leaves nothing', async (t) => {
  const disk = await loopFilesystem(t, 'ext4');
  const machine = await makeMachine(t);
  const { csi } = await machine.start({ flags: await withPools(machine, { scratch: disk.path }) });
  await csi.Controller.CreateVolume(request('pvc-1'));
  for (const name of ['one', 'two', 'three']) {
    await execa`dd if=/dev/urandom of=${join(disk.path, 'pvc-1', name)} bs=1M count=60 status=none`;
  }
  const free = async () => (await execa`df --output=avail ${disk.path}`).stdout;
  await execa`sync --file-system ${disk.path}`;
  const before = await free();
  const asked = { name: 'snap', source_volume_id: 'scratch/pvc-1' };
  const restore = { ...request('new'), volume_content_source: fromVolume('pvc-1') };
  for (const call of [
    () => repeatUntilRefused(() => csi.Controller.CreateSnapshot(asked)),
    () => csi.Controller.CreateVolume(restore),
  ]) {
    assert.match(await refused(call(), code.exhausted), /no space/);
    await waitForNothing(disk.path);
    assert.equal(await free(), before);
  }
  assert.deepEqual((await csi.Controller.ListSnapshots({})).entries, []);
  await refused(csi.Controller.ControllerGetVolume({ volume_id: 'scratch/new' }), code.notFound);
});

/** A copy that takes longer than a call waits is told of by the next call. */
async function repeatUntilRefused(call: () => Promise<unknown>): Promise<void> {
  for (;;) await call();
}

test('a volume from a snapshot has its subDir, and the owner and mode of the source', async (t) => {
  const { pool, csi } = await start(t);
  await csi.Controller.CreateVolume(request('pvc-1', { mode: '0750', uid: '1000', gid: '1001' }));
  await takeSnapshot(csi, 'snap', 'pvc-1');
  const asked = {
    ...request('pvc-2', { subDir: 'team/restored', mode: '0777', uid: '5', onDelete: 'archive' }),
    volume_content_source: fromSnapshot('snap'),
  };
  const { volume } = await csi.Controller.CreateVolume(asked);
  assert.deepEqual(volume?.volume_context, { pool: 'scratch', subDir: 'team/restored' });
  const { stdout } = await execa`stat -c ${'%a %u %g'} ${join(pool, 'team/restored')}`;
  assert.equal(stdout, '750 1000 1001');
  assert.deepEqual(await csi.Controller.CreateVolume(asked), { volume });
  await refused(csi.Controller.CreateVolume({ ...asked, name: 'pvc-3' }), code.exists);
  await csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-2' });
  assert.equal((await readdir(join(pool, '.berth/archive'))).length, 2);
  assert.deepEqual(await readdir(join(pool, 'team')), []);
});
