// Image volumes on a node: real loop devices, ext4 and xfs, on a local pool.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { backingFile, deviceSize } from '../../../src/host/loop.ts';
import { refused } from '../../csi/refused.ts';
import { code } from '../../csi/requests.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { imageFile, mebibyte } from '../../support/image-file.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { lvmLabel } from '../../support/lvm-label.ts';
import { overlay } from '../../support/overlay.ts';
import { partitionTable } from '../../support/partition-table.ts';
import { temporaryDirectory } from '../../support/tree.ts';
import { ext4, inUse, makeBed, raw, xfs } from './fixture.ts';

for (const [type, wish] of Object.entries({ ext4, xfs })) {
  test(`a new volume has ${type} on it, keeps its data, and each call may come twice`, async (t) => {
    const bed = await makeBed(t);
    const volume = await bed.volume('pvc-1', wish, 320 * mebibyte);
    await volume.attach();
    for (const _ of ['once', 'twice']) await volume.stage();
    assert.equal(bed.loops().length, 1);
    for (const _ of ['once', 'twice']) await volume.publish();
    assert.deepEqual(bed.mounts().sort(), [volume.staging, volume.target].sort());
    await writeFile(join(volume.target, 'file'), 'content');
    const { stdout } = await execa`findmnt --noheadings --output FSTYPE ${volume.target}`;
    assert.equal(stdout, type);
    for (const _ of ['once', 'twice']) await volume.unpublish();
    assert.ok(!existsSync(volume.target));
    for (const _ of ['once', 'twice']) await volume.unstage();
    assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
    await volume.detach();
    await volume.up();
    assert.equal(await readFile(join(volume.target, 'file'), 'utf8'), 'content');
    await volume.down();
    await bed.driver.csi.Controller.DeleteVolume({ volume_id: volume.id });
  });
}

test('a raw device is the image, byte for byte, at a file that goes with it', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  await volume.up();
  assert.ok((await stat(volume.target)).isBlockDevice());
  for (const _ of ['again', 'and again']) await volume.publish();
  assert.deepEqual(bed.mounts(), [volume.target]);
  const device = await open(volume.target, 'r+');
  await device.write(Buffer.from('written by a pod'), 0, undefined, 8 * mebibyte);
  await device.sync();
  await device.close();
  await volume.down();
  assert.ok(!existsSync(volume.target));
  const file = await readFile(volume.file);
  assert.equal(file.subarray(8 * mebibyte, 8 * mebibyte + 16).toString(), 'written by a pod');
});

test('a volume that is attached elsewhere, or not at all, is not staged', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  assert.match(await refused(volume.stage(), code.precondition), /ControllerPublishVolume first/);
  await volume.attach();
  await volume.detach();
  assert.match(await refused(volume.stage(), code.precondition), /not attached to this node/);
  await bed.announce('node-2');
  await volume.attach('node-2');
  assert.match(await refused(volume.stage(), code.precondition), /not attached to this node/);
  assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
  await volume.detach('node-2');
});

test('a volume is not published before it is staged', async (t) => {
  const bed = await makeBed(t);
  for (const [name, wish] of Object.entries({ ext4, raw })) {
    const volume = await bed.volume(name, wish, 64 * mebibyte);
    await volume.attach();
    assert.match(await refused(volume.publish(), code.precondition), /not staged/);
    await volume.detach();
  }
});

test('a volume grows while it is used, a raw device too', async (t) => {
  const bed = await makeBed(t);
  for (const [name, wish] of Object.entries({ xfs, raw })) {
    const volume = await bed.volume(name, wish, 320 * mebibyte);
    await volume.up();
    const asked = {
      volume_id: volume.id,
      capacity_range: { required_bytes: String(640 * mebibyte) },
      volume_capability: wish,
    };
    const { Controller, Node } = bed.driver.csi;
    const early = await refused(
      Node.NodeExpandVolume({ ...asked, volume_path: volume.target }),
      code.unavailable,
    );
    assert.match(early, /has 335544320 bytes on this node, and is to have 671088640/);
    assert.equal((await Controller.ControllerExpandVolume(asked)).node_expansion_required, true);
    for (const path of [volume.target, volume.target]) {
      const { capacity_bytes: bytes } = await Node.NodeExpandVolume({ ...asked, volume_path: path });
      assert.equal(bytes, String(640 * mebibyte));
    }
    const { usage } = await Node.NodeGetVolumeStats({ volume_id: volume.id, volume_path: volume.target });
    assert.ok(Number(usage[0]?.total) > 500 * mebibyte, JSON.stringify(usage));
    await volume.down();
  }
});

test('an image that grew while it was not staged has a filesystem as large when it is', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', xfs, 320 * mebibyte);
  await volume.up();
  await volume.down();
  await bed.driver.csi.Controller.ControllerExpandVolume({
    volume_id: volume.id,
    capacity_range: { required_bytes: String(640 * mebibyte) },
  });
  await volume.up();
  const { stdout } = await execa`findmnt --noheadings --bytes --output SIZE ${volume.target}`;
  assert.ok(Number(stdout) > 500 * mebibyte, stdout);
  await volume.down();
});

test('a read-only volume is so down to its device', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', xfs, 320 * mebibyte);
  await volume.up();
  await writeFile(join(volume.target, 'file'), 'content');
  await volume.down();
  const readers = await bed.existing(
    'readers',
    { mount: { fs_type: 'xfs' }, access_mode: { mode: 'MULTI_NODE_READER_ONLY' } },
    {},
  );
  const asked = {
    volume_id: volume.id,
    volume_capability: { mount: { fs_type: 'xfs' }, access_mode: { mode: 'MULTI_NODE_READER_ONLY' } },
  } as const;
  const { Controller, Node } = bed.driver.csi;
  const { publish_context } = await Controller.ControllerPublishVolume({ ...asked, node_id: 'node-1' });
  const request = {
    ...asked,
    publish_context,
    volume_context: { pool: 'scratch', image: 'pvc-1/disk.img' },
    staging_target_path: readers.staging,
    target_path: readers.target,
  };
  await Node.NodeStageVolume(request);
  await Node.NodePublishVolume(request);
  assert.equal(await readFile(join(readers.target, 'file'), 'utf8'), 'content');
  await assert.rejects(writeFile(join(readers.target, 'file'), 'x'), { code: 'EROFS' });
  const [device = ''] = bed.loops();
  assert.equal(await readFile(`/sys/block/${device.slice(5)}/ro`, 'utf8'), '1\n');
  await Node.NodeUnpublishVolume(request);
  await Node.NodeUnstageVolume(request);
  await Controller.ControllerUnpublishVolume({ volume_id: volume.id, node_id: 'node-1' });
});

test('a filesystem is mounted with the flags that are asked for, and with others only once it is unstaged', async (t) => {
  const bed = await makeBed(t);
  const flagged = (...flags: string[]) => ({ ...ext4, mount: { fs_type: 'ext4', mount_flags: flags } });
  const volume = await bed.volume('pvc-1', flagged('noatime', 'discard'), 64 * mebibyte);
  const options = async (path: string) =>
    (await execa`findmnt --noheadings --output OPTIONS ${path}`).stdout.split(',');
  await volume.up();
  for (const path of [volume.staging, volume.target]) assert.ok((await options(path)).includes('noatime'));
  assert.ok((await options(volume.target)).includes('discard'));
  for (const start of [async () => {}, () => bed.crash()]) {
    await start();
    await volume.stage({ volume_capability: flagged('discard', 'noatime') });
    for (const _ of ['once', 'twice']) {
      const other = volume.stage({ volume_capability: flagged('noatime') });
      assert.match(await refused(other, code.exists), /in another way; unstage it first/);
    }
  }
  await volume.down();
});

test('a volume that is staged for writing and asked for reading only is refused, and is let go of all the same', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.up();
  const reader = { mount: { fs_type: 'ext4' }, access_mode: { mode: 'SINGLE_NODE_READER_ONLY' } };
  await assert.rejects(volume.stage({ volume_capability: reader }));
  // That the attachment is in use no more is looked at in the end.
  await volume.down();
});

test('a driver that was killed finds what it had attached, and takes it down', async (t) => {
  const bed = await makeBed(t);
  for (const [name, wish] of Object.entries({ ext4, raw })) {
    const volume = await bed.volume(name, wish, 64 * mebibyte);
    await volume.up();
    await bed.crash();
    await volume.stage();
    await volume.publish();
    assert.equal(bed.loops().length, 1);
    const { usage } = await bed.driver.csi.Node.NodeGetVolumeStats({
      volume_id: volume.id,
      volume_path: volume.target,
    });
    assert.ok(Number(usage[0]?.total) > 0);
    await bed.crash();
    await volume.down();
    assert.deepEqual([bed.loops(), bed.mounts()], [[], []]);
  }
});

test('what a node once asked of the server and gave up finds nothing under that name later', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.up();
  const [first = ''] = await inUse(bed.pool);
  assert.match(first, /\/used,[^,]+,node-1$/);
  await volume.stage();
  const [second = ''] = await inUse(bed.pool);
  assert.match(second, /\/used,[^,]+,node-1$/);
  assert.notEqual(first, second);
  await volume.down();
});

test('a filesystem whose making was cut off is made anew; nothing else ever is', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.attach();
  // As a killed mkfs leaves it: its attachment, and half of its work.
  const folder = join(bed.pool, '.berth/volumes/+pvc-1');
  await rename(join(folder, 'single,node-1'), join(folder, 'making,id,node-1'));
  await writeFile(volume.file, Buffer.alloc(512, 1), { flag: 'r+' });
  await volume.stage();
  await volume.publish();
  await writeFile(join(volume.target, 'file'), 'content');
  await volume.down();
  assert.deepEqual(await inUse(bed.pool), []);
});

async function writeAt(file: string, position: number, data: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(data, 0, data.length, position);
  await handle.close();
}

const traps: readonly [what: string, set: (file: string) => Promise<unknown>, message: RegExp][] = [
  ['bytes at the start', (file) => writeFile(file, 'what is this', { flag: 'r+' }), /data of no known form/],
  ['another filesystem', (file) => execa`mkfs.xfs -q ${file}`, /holds xfs, and not ext4/],
  ['a partition table', (file) => writeAt(file, 0, partitionTable()), /holds dos/],
  ['an LVM label', (file) => writeAt(file, 512, lvmLabel()), /holds LVM2_member/],
  ['swap space', (file) => execa`mkswap --quiet ${file}`, /holds swap/],
  ['half of its size', (file) => truncate(file, mebibyte), /it was cut/],
];

for (const [what, set, message] of traps) {
  test(`an image with ${what} is refused and left as it is`, async (t) => {
    const bed = await makeBed(t);
    const volume = await bed.volume('pvc-1', ext4, 320 * mebibyte);
    await set(volume.file);
    const { stdout: before } = await execa`sha256sum ${volume.file}`;
    await volume.attach();
    for (const _ of ['once', 'twice'])
      assert.match(await refused(volume.stage(), code.precondition), message);
    assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
    await volume.unstage();
    await volume.detach();
    assert.equal((await execa`sha256sum ${volume.file}`).stdout, before);
  });
}

test('a staging path that cannot be mounted on is told before anything is attached', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.attach();
  const nowhere = join(bed.pool, '../nowhere/staging');
  assert.match(
    await refused(volume.stage({ staging_target_path: nowhere }), code.precondition),
    /the directory that should hold it does not exist/,
  );
  assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
  await volume.stage();
  // Staged elsewhere: nothing can be mounted there, and the device is in use.
  await refused(
    bed.driver.csi.Node.NodeUnstageVolume({ volume_id: volume.id, staging_target_path: nowhere }),
    code.unavailable,
  );
  await volume.unstage();
  await volume.detach();
});

test('a raw device is let go of, whatever became of its staging path', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  await volume.attach();
  const nowhere = { staging_target_path: join(bed.pool, '../nowhere/staging') };
  await volume.stage(nowhere);
  await bed.driver.csi.Node.NodeUnstageVolume({ volume_id: volume.id, ...nowhere });
  assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
  await volume.detach();
});

test('an image of no bytes is told', async (t) => {
  const bed = await makeBed(t);
  await writeFile(join(bed.pool, 'empty.img'), '');
  for (const [name, wish] of Object.entries({ raw, ext4 })) {
    const volume = await bed.existing(name, wish, { pool: 'scratch', image: 'empty.img' });
    await volume.attach();
    assert.match(await refused(volume.stage(), code.precondition), /it has no bytes/);
    assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
    await volume.detach();
  }
});

test('a volume that may be written to is not mounted read-only by an option', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.attach();
  const wish = (flag: string) => ({
    volume_capability: { ...ext4, mount: { fs_type: 'ext4', mount_flags: [flag] } },
  });
  assert.match(await refused(volume.stage(wish('ro')), code.precondition), /ask for ReadOnlyMany/);
  for (const _ of ['once', 'twice']) await volume.stage(wish('rw'));
  await volume.unstage();
  await volume.detach();
});

test('an existing image is used as it is, and one without a filesystem is not formatted', async (t) => {
  const bed = await makeBed(t);
  const file = join(bed.pool, 'own.img');
  await writeFile(file, '');
  await truncate(file, 64 * mebibyte);
  const volume = await bed.existing('own', ext4, { pool: 'scratch', image: 'own.img' });
  await volume.attach();
  assert.match(await refused(volume.stage(), code.precondition), /there is no filesystem on it/);
  await execa`mkfs.ext4 -q ${file}`;
  await volume.stage();
  await volume.publish();
  await writeFile(join(volume.target, 'file'), 'content');
  await volume.down();
});

test('an image that a link or another file system leads to is refused, and nothing is attached', async (t) => {
  const bed = await makeBed(t);
  const outside = await temporaryDirectory(t);
  const other = await loopFilesystem(t, 'ext4');
  for (const folder of [outside, other.path]) await execa`truncate --size 64M ${folder}/own.img`;
  await symlink(outside, join(bed.pool, 'link'));
  await symlink(join(outside, 'own.img'), join(bed.pool, 'link.img'));
  await mkdir(join(bed.pool, 'mounted'));
  await writeFile(join(bed.pool, 'mounted.img'), '');
  for (const [what, where] of [
    [other.path, 'mounted'],
    [join(other.path, 'own.img'), 'mounted.img'],
  ] as const) {
    await execa`mount --bind ${what} ${join(bed.pool, where)}`;
    cleanUp(t, () => execa`umount --lazy ${join(bed.pool, where)}`);
  }
  for (const image of ['link/own.img', 'link.img', 'mounted/own.img', 'mounted.img']) {
    const volume = await bed.existing(`own-${image}`, raw, { pool: 'scratch', image });
    const told = await refused(
      volume.attach().then(() => volume.stage()),
      code.precondition,
    );
    assert.match(told, /symbolic link|another file system|no plain file/, image);
    assert.deepEqual(bed.loops(), [], image);
    await volume.detach();
  }
});

test('a pool on an overlay has images too', async (t) => {
  const bed = await makeBed(t, { disk: await overlay(t) });
  for (const [kind, wish] of Object.entries({ ext4, raw })) {
    const volume = await bed.volume(`pvc-${kind}`, wish, 64 * mebibyte);
    for (const _ of ['once', 'twice']) await volume.up();
    assert.equal(bed.loops().length, 1);
    await volume.down();
    await bed.driver.csi.Controller.DeleteVolume({ volume_id: volume.id });
  }
});

test('two volumes with the same filesystem are mounted beside each other', async (t) => {
  const bed = await makeBed(t);
  const one = await bed.volume('pvc-1', xfs, 320 * mebibyte);
  await one.up();
  await writeFile(join(one.target, 'file'), 'content');
  await one.down();
  const copy = join(bed.pool, 'copy.img');
  await execa`cp --sparse=always ${one.file} ${copy}`;
  const two = await bed.existing('copy', xfs, { pool: 'scratch', image: 'copy.img' });
  await one.up();
  await two.up();
  assert.equal(await readFile(join(two.target, 'file'), 'utf8'), 'content');
  await two.down();
  await one.down();
});

test('a device that a process holds is told, and let go of once it does not', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  await volume.up();
  const user = await open(volume.target, 'r');
  await volume.unpublish();
  assert.match(await refused(volume.unstage(), code.unavailable), /is still in use/);
  await user.close();
  await volume.unstage();
  await volume.detach();
});

test('a volume that was taken from its node by force gets another file before it goes to another', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  await volume.up();
  const [device = ''] = bed.loops();
  const old = await open(volume.target, 'r+');
  await old.write(Buffer.from('before'), 0, undefined, 0);
  await old.sync();
  await volume.detach();
  await bed.announce('node-2');
  await volume.attach('node-2');
  assert.match(volume.told(), /^pvc-1\/disk-[\w-]{8}\.img$/);
  const now = join(bed.pool, volume.told());
  assert.equal((await readFile(now)).subarray(0, 6).toString(), 'before');
  assert.ok(!existsSync(volume.file));
  // What the old node writes still changes nothing.
  await old.write(Buffer.from('after!'), 0, undefined, 0);
  await old.sync();
  await old.close();
  assert.equal((await readFile(now)).subarray(0, 6).toString(), 'before');
  await volume.unpublish();
  await volume.unstage();
  assert.equal(deviceSize(device), 0n);
  await volume.detach('node-2');
  // And the node may have it again.
  await volume.up();
  await volume.down();
});

test('a node that had its volume mounted all the time it was taken from it is known to use it again', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.up();
  await bed.announce('node-2');
  for (const _ of ['once', 'twice']) {
    await volume.detach();
    await volume.attach();
    assert.equal(volume.told(), 'pvc-1/disk.img');
    // kubelet does not stage what is mounted: the pod goes on.
    await writeFile(join(volume.target, 'file'), 'content');
    await execa`sync --file-system ${volume.target}`;
  }
  await volume.detach();
  await volume.attach('node-2');
  assert.match(volume.told(), /disk-/);
  const { stdout } = await execa`debugfs -R ${'cat /file'} ${join(bed.pool, volume.told())}`;
  assert.equal(stdout, 'content');
  await volume.unpublish();
  await volume.unstage();
  await volume.detach('node-2');
  assert.deepEqual(await inUse(bed.pool), []);
});

test('a new pod never gets the file that was replaced, although the old pod has it still', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.up();
  await volume.detach();
  await bed.announce('node-2');
  await volume.attach('node-2');
  await volume.detach('node-2');
  await volume.attach();
  assert.match(volume.told(), /disk-/);
  // kubelet has it staged, as far as it knows.
  const target = `${volume.target}-new`;
  assert.match(
    await refused(volume.publish({ target_path: target }), code.unavailable),
    /is not let go of yet/,
  );
  await volume.unpublish();
  await volume.publish({ target_path: target });
  await writeFile(join(target, 'file'), 'content');
  await execa`sync --file-system ${target}`;
  const { stdout } = await execa`debugfs -R ${'cat /file'} ${join(bed.pool, volume.told())}`;
  assert.equal(stdout, 'content');
  await bed.driver.csi.Node.NodeUnpublishVolume({ volume_id: volume.id, target_path: target });
  await volume.unstage();
  await volume.detach();
  assert.deepEqual(await inUse(bed.pool), []);
});

test('a stage with what the node was told before its volume was replaced is refused', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  const { csi } = bed.driver;
  const asked = { volume_id: volume.id, node_id: 'node-1', volume_capability: raw };
  const { publish_context: old } = await csi.Controller.ControllerPublishVolume(asked);
  await volume.attach();
  await volume.stage();
  await volume.detach();
  await bed.announce('node-2');
  await volume.attach('node-2');
  await volume.detach('node-2');
  await volume.unstage();
  await volume.attach();
  await writeFile(volume.file, 'the old file, as if it were not removed yet');
  assert.match(
    await refused(volume.stage({ publish_context: old }), code.precondition),
    /is not attached to this node/,
  );
  await rm(volume.file);
  assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
  await volume.stage();
  await volume.unstage();
  await volume.detach();
});

test('a loop device that somebody gave to another file is not taken for the volume', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  const foreign = await imageFile(t, await temporaryDirectory(t), mebibyte);
  await volume.attach();
  let device = '';
  // Another test may be faster to take it.
  for (let attempt = 0; backingFile(device) !== foreign; attempt += 1) {
    assert.ok(attempt < 20, 'the loop device was always taken by others');
    await volume.unstage();
    await volume.stage();
    device = bed.loops()[0] ?? '';
    await execa`losetup --detach ${device}`;
    await execa({ reject: false })`losetup ${device} ${foreign}`;
  }
  await volume.publish();
  const { stdout: size } = await execa`blockdev --getsize64 ${volume.target}`;
  assert.equal(size, String(64 * mebibyte));
  await volume.down();
  assert.equal(backingFile(device), foreign);
  await execa`losetup --detach ${device}`;
});

test('a filesystem that was mounted and not grown is grown by the retry', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', xfs, 320 * mebibyte);
  await volume.up();
  const [device = ''] = bed.loops();
  // As a driver leaves it that is killed between the two.
  await truncate(volume.file, 640 * mebibyte);
  await execa`losetup --set-capacity ${device}`;
  await bed.crash();
  await volume.stage();
  const { stdout } = await execa`findmnt --noheadings --bytes --output SIZE ${volume.target}`;
  assert.ok(Number(stdout) > 500 * mebibyte, stdout);
  await volume.down();
});

test('what is asked of a path where the volume is not is NOT_FOUND', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.up();
  const { Node } = bed.driver.csi;
  for (const path of ['/nowhere/at/all', bed.pool, '/']) {
    const asked = { volume_id: volume.id, volume_path: path };
    await refused(Node.NodeGetVolumeStats(asked), code.notFound);
    await refused(Node.NodeExpandVolume(asked), code.notFound);
  }
  await volume.down();
});
