// Image volumes, as the Controller makes and changes them: files on a pool, with what a node needs to know of them.
import assert from 'node:assert/strict';
import { mkdir, readdir, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { mebibyte } from '../../support/image-file.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { withPools } from './local-pools.ts';

const writer = { mode: 'SINGLE_NODE_WRITER' } as const;
const raw = { block: {}, access_mode: writer };
const ext4 = { mount: { fs_type: 'ext4' }, access_mode: writer };
const xfs = { mount: { fs_type: 'xfs' }, access_mode: writer };

const image = (name: string, wanted: typeof raw | typeof ext4, bytes: number, limit = 0) => ({
  ...request(name),
  volume_capabilities: [wanted],
  capacity_range: { required_bytes: String(bytes), limit_bytes: String(limit) },
});

test('a raw device, ext4 and xfs are each one sparse file of the size asked for', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const [name, wanted] of Object.entries({ raw, ext4, xfs })) {
    const { volume } = await csi.Controller.CreateVolume(image(name, wanted, 1024 * mebibyte));
    assert.deepEqual(volume, {
      volume_id: `scratch/${name}`,
      capacity_bytes: String(1024 * mebibyte),
      volume_context: { pool: 'scratch', image: `${name}/disk.img` },
      content_source: null,
      accessible_topology: [{ segments: { 'topology.csi.berth.dev/node': 'node-1' } }],
    });
    const directory = await stat(join(machine.pool, name));
    assert.equal(directory.mode & 0o7777, 0o700);
    const file = await stat(join(machine.pool, name, 'disk.img'));
    assert.deepEqual([file.size, file.blocks, file.mode & 0o7777], [1024 * mebibyte, 0, 0o600]);
  }
  const { entries } = await csi.Controller.ListVolumes({});
  assert.deepEqual(
    entries.map(({ volume }) => volume?.volume_context.image),
    ['ext4/disk.img', 'raw/disk.img', 'xfs/disk.img'],
  );
});

const sizes: readonly [
  what: string,
  wanted: typeof raw | typeof ext4,
  bytes: number,
  limit: number,
  size: number,
][] = [
  ['in whole blocks', raw, 1_000_001, 0, 1_003_520],
  ['exactly as asked where the limit is the same', raw, 1_000_001, 1_000_001, 1_000_001],
  ['a gibibyte where nothing is asked for', ext4, 0, 0, 1024 * mebibyte],
  ['up to the limit where nothing else is asked for', raw, 0, 64 * mebibyte, 64 * mebibyte],
  ['as large as ext4 needs', ext4, 1, 0, 16 * mebibyte],
  ['as large as xfs needs', xfs, mebibyte, 0, 300 * mebibyte],
];

for (const [what, wanted, bytes, limit, size] of sizes) {
  test(`an image has its size ${what}`, async (t) => {
    const machine = await makeMachine(t);
    const { csi } = await machine.start();
    const { volume } = await csi.Controller.CreateVolume(image('pvc-1', wanted, bytes, limit));
    assert.equal(volume?.capacity_bytes, String(size));
    assert.equal((await stat(join(machine.pool, 'pvc-1/disk.img'))).size, size);
  });
}

test('a limit below what the filesystem needs is OUT_OF_RANGE, and nothing is made', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const wanted = image('pvc-1', xfs, 0, 100 * mebibyte);
  assert.match(await refused(csi.Controller.CreateVolume(wanted), code.range), /at least 314572800 bytes/);
  assert.deepEqual(
    (await readdir(machine.pool)).filter((name) => name !== '.berth'),
    [],
  );
});

test('a repeated CreateVolume gives the same image; another kind, filesystem or allocation is ALREADY_EXISTS', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  const asked = image('pvc-1', ext4, 64 * mebibyte);
  const first = await csi.Controller.CreateVolume(asked);
  assert.deepEqual(await csi.Controller.CreateVolume(asked), first);
  for (const [other, what] of [
    [image('pvc-1', raw, 64 * mebibyte), /fstype/],
    [{ ...image('pvc-1', xfs, 0), capacity_range: null }, /fstype/],
    [request('pvc-1'), /volumeMode or fstype/],
    [image('pvc-1', ext4, 65 * mebibyte), /capacity/],
    [{ ...asked, parameters: { allocation: 'thick' } }, /allocation/],
  ] as const) {
    assert.match(await refused(csi.Controller.CreateVolume(other), code.exists), what);
  }
});

test('the StorageClass can ask for the filesystem, and a raw device does not mind', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  const parameters = { 'csi.storage.k8s.io/fstype': 'xfs' };
  const mounted = {
    ...request('mounted', parameters),
    volume_capabilities: [capability('SINGLE_NODE_WRITER')],
  };
  const { volume } = await csi.Controller.CreateVolume(mounted);
  assert.deepEqual(volume?.volume_context, { pool: 'scratch', image: 'mounted/disk.img' });
  await csi.Controller.CreateVolume({ ...request('raw', parameters), volume_capabilities: [raw] });
  const asked = { volume_id: 'scratch/raw', volume_capabilities: [raw], parameters };
  const { confirmed } = await csi.Controller.ValidateVolumeCapabilities(asked);
  assert.deepEqual(confirmed?.parameters, parameters);
});

const senseless: readonly [what: string, wanted: object, message: RegExp][] = [
  ['a filesystem for writers on many nodes', { volume_capabilities: [shared('ext4')] }, /one node at a time/],
  ['a device and a mount at once', { volume_capabilities: [raw, ext4] }, /at once/],
  ['two filesystems', { volume_capabilities: [ext4, xfs] }, /several filesystems/],
  ['an owner of an image', { volume_capabilities: [ext4], parameters: { uid: '5' } }, /"uid"/],
  ['a thick directory', { parameters: { allocation: 'thick' } }, /shared directory/],
  [
    'an unknown allocation',
    { volume_capabilities: [ext4], parameters: { allocation: 'fat' } },
    /thin or thick/,
  ],
  [
    'a mount option that opens another device',
    { volume_capabilities: [{ ...xfs, mount: { fs_type: 'xfs', mount_flags: ['logdev=/dev/sda'] } }] },
    /"logdev" is not allowed/,
  ],
];

function shared(fsType: string) {
  return { mount: { fs_type: fsType }, access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' } } as const;
}

for (const [what, wanted, message] of senseless) {
  test(`a request for ${what} is INVALID_ARGUMENT, and nothing is made`, async (t) => {
    const machine = await makeMachine(t);
    const { csi } = await machine.start();
    const call = csi.Controller.CreateVolume({ ...request('pvc-1'), ...wanted });
    assert.match(await refused(call, code.invalid), message);
    assert.deepEqual(
      (await readdir(machine.pool)).filter((name) => name !== '.berth'),
      [],
    );
  });
}

test('a thick image takes its space at once; a pool that has not so much is RESOURCE_EXHAUSTED and left as it was', async (t) => {
  const machine = await makeMachine(t);
  const filesystem = await loopFilesystem(t, 'xfs');
  const pool = join(filesystem.path, 'pool');
  await mkdir(pool);
  const { csi } = await machine.start({ flags: await withPools(machine, { loop: pool }) });
  const thick = (name: string, bytes: number) => ({
    ...image(name, raw, bytes),
    parameters: { allocation: 'thick' },
  });
  await csi.Controller.CreateVolume(thick('fits', 32 * mebibyte));
  assert.ok((await stat(join(pool, 'fits/disk.img'))).blocks * 512 >= 32 * mebibyte);
  const left = async () => (await readdir(pool, { recursive: true })).sort();
  const before = await left();
  for (let call = 0; call < 2; call += 1) {
    assert.match(
      await refused(csi.Controller.CreateVolume(thick('too-large', 1024 * mebibyte)), code.exhausted),
      /loop/,
    );
    assert.deepEqual(await left(), before);
  }
  const grow = csi.Controller.ControllerExpandVolume({
    volume_id: 'loop/fits',
    capacity_range: { required_bytes: String(1024 * mebibyte) },
    volume_capability: raw,
  });
  assert.match(await refused(grow, code.exhausted), /loop/);
  assert.equal((await stat(join(pool, 'fits/disk.img'))).size, 32 * mebibyte);
  assert.deepEqual(await left(), before);
  // As large a thin one is no problem.
  await csi.Controller.CreateVolume(image('thin', raw, 1024 * mebibyte));
  await csi.Controller.DeleteVolume({ volume_id: 'loop/thin' });
  await csi.Controller.DeleteVolume({ volume_id: 'loop/fits' });
});

test('an image that is larger than the pool’s files can be is OUT_OF_RANGE, and nothing is left', async (t) => {
  const machine = await makeMachine(t);
  const { path } = await loopFilesystem(t, 'ext4');
  const pool = join(path, 'pool');
  await mkdir(pool);
  const { csi } = await machine.start({ flags: await withPools(machine, { loop: pool }) });
  for (const bytes of [17 * 1024 ** 4, 2 ** 53])
    await refused(csi.Controller.CreateVolume(image('large', raw, bytes)), code.range);
  assert.deepEqual(await readdir(pool), ['.berth']);
  await csi.Controller.CreateVolume(image('pvc-1', raw, mebibyte));
  const grow = (bytes: number) =>
    csi.Controller.ControllerExpandVolume({
      volume_id: 'loop/pvc-1',
      capacity_range: { required_bytes: String(bytes) },
      volume_capability: raw,
    });
  for (const bytes of [17 * 1024 ** 4, 2 ** 53]) await refused(grow(bytes), code.range);
  assert.equal((await grow(2 * mebibyte)).capacity_bytes, String(2 * mebibyte));
});

test('an image grows before its record does, never shrinks, and the node has to follow', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(image('pvc-1', ext4, 64 * mebibyte));
  const expand = (bytes: number) =>
    csi.Controller.ControllerExpandVolume({
      volume_id: 'scratch/pvc-1',
      capacity_range: { required_bytes: String(bytes) },
      volume_capability: ext4,
    });
  const grown = { capacity_bytes: String(128 * mebibyte), node_expansion_required: true };
  assert.deepEqual(await expand(128 * mebibyte), grown);
  const file = join(machine.pool, 'pvc-1/disk.img');
  assert.equal((await stat(file)).size, 128 * mebibyte);
  assert.deepEqual(await expand(32 * mebibyte), grown);
  assert.equal((await stat(file)).size, 128 * mebibyte);
});

test('what becomes of an image is said by its class, as of a directory', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const onDelete of ['delete', 'archive', 'retain']) {
    await csi.Controller.CreateVolume({ ...image(onDelete, raw, mebibyte), parameters: { onDelete } });
    await writeFile(join(machine.pool, onDelete, 'disk.img'), onDelete, { flag: 'r+' });
    await csi.Controller.DeleteVolume({ volume_id: `scratch/${onDelete}` });
  }
  assert.deepEqual((await readdir(machine.pool)).sort(), ['.berth', 'retain']);
  const archive = join(machine.pool, '.berth/archive');
  const [archived = ''] = (await readdir(archive)).filter((name) => !name.endsWith('.record'));
  assert.equal((await stat(join(archive, archived, 'disk.img'))).size, mebibyte);
});

test('an image that is missing or cut is told by its health', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(image('pvc-1', ext4, 64 * mebibyte));
  const health = async () => {
    const { volume_health: found } = await csi.Controller.ControllerGetVolumeHealth({
      volume_id: 'scratch/pvc-1',
    });
    return found?.health_statuses.map(({ status, reason }) => `${status} ${reason}`);
  };
  assert.deepEqual(await health(), []);
  const file = join(machine.pool, 'pvc-1/disk.img');
  await truncate(file, mebibyte);
  assert.deepEqual(await health(), ['DATA_LOSS ImageTruncated']);
  await unlink(file);
  assert.deepEqual(await health(), ['DATA_LOSS ImageGone']);
});

test('an existing image is a static volume, for a node at a time, and never deleted', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await mkdir(join(machine.pool, 'vms'));
  await writeFile(join(machine.pool, 'vms/web.img'), 'x');
  const publish = (image: string, nodeId = 'node-1') =>
    csi.Controller.ControllerPublishVolume({
      volume_id: 'web',
      node_id: nodeId,
      volume_capability: raw,
      volume_context: { pool: 'scratch', image },
    });
  await refused(publish('vms/missing.img'), code.notFound);
  await refused(publish('vms'), code.precondition);
  await refused(publish('../web.img'), code.invalid);
  const { publish_context: context } = await publish('vms/web.img');
  assert.deepEqual([context.image, context.size, context.format], ['vms/web.img', '0', undefined]);
  await csi.Controller.DeleteVolume({ volume_id: 'web' });
  const { entries } = await csi.Controller.ListVolumes({});
  assert.deepEqual(entries[0]?.volume?.volume_context, { pool: 'scratch', image: 'vms/web.img' });
  await csi.Controller.ControllerUnpublishVolume({ volume_id: 'web', node_id: 'node-1' });
  assert.deepEqual(await readdir(join(machine.pool, 'vms')), ['web.img']);
});

test('the image of a dynamic volume is no static one, and a directory around a static one is its own', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(image('pvc-1', raw, mebibyte));
  const call = csi.Controller.ControllerPublishVolume({
    volume_id: 'mine',
    node_id: 'node-1',
    volume_capability: raw,
    volume_context: { pool: 'scratch', image: 'pvc-1/disk.img' },
  });
  assert.match(await refused(call, code.precondition), /overlaps the directory of the volume pvc-1/);
});

test('an attachment tells the node which filesystem it may make; of a raw device none', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  for (const [name, wanted, format] of [
    ['raw', raw, undefined],
    ['xfs', xfs, 'xfs'],
  ] as const) {
    await csi.Controller.CreateVolume(image(name, wanted, 0));
    const attach = (nodeId: string, wish: object) =>
      csi.Controller.ControllerPublishVolume({
        volume_id: `scratch/${name}`,
        node_id: nodeId,
        volume_capability: wish,
      });
    const { version = '', ...context } = (await attach('node-1', wanted)).publish_context;
    assert.match(version, /^[\w-]{8}\/disk\.img$/);
    assert.deepEqual(context, {
      key: name,
      image: `${name}/disk.img`,
      size: String(1024 * mebibyte),
      ...(format === undefined ? {} : { format }),
    });
    const other = name === 'raw' ? ext4 : raw;
    assert.match(await refused(attach('node-1', other), code.invalid), /capability cannot be served/);
  }
});
