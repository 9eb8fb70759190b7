// Devices of a node in hand-written PersistentVolumes: loop devices of the test stand for disks.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { constants, mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { refused } from '../../csi/refused.ts';
import { code } from '../../csi/requests.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { imageFile, loopDevice, mebibyte } from '../../support/image-file.ts';
import { lvmLabel } from '../../support/lvm-label.ts';
import { temporaryDirectory } from '../../support/tree.ts';
import { type Bed, ext4, inUse, makeBed, raw, type Volume, type Wish } from './fixture.ts';

const readers = { mode: 'MULTI_NODE_READER_ONLY' } as const;

interface Disk {
  readonly device: string;
  /** What it is made of. */
  readonly file: string;
  readonly bed: Bed;
  volume(wish: Wish, device?: string, id?: string): Promise<Volume>;
}

/** A disk of 64 MiB, and a driver whose config allows it. */
async function makeDisk(t: TestContext, patterns?: readonly string[]): Promise<Disk> {
  const file = await imageFile(t, await temporaryDirectory(t), 64 * mebibyte);
  const device = await loopDevice(t, file);
  const bed = await makeBed(t, { devices: patterns ?? [device] });
  return {
    device,
    file,
    bed,
    volume: (wish, path = device, id = 'disk') => bed.existing(id, wish, { device: path }),
  };
}

const sum = async (file: string) => (await execa`sha256sum ${file}`).stdout;
const swapHeader = async (file: string) => (await execa`head -c 4096 ${file}`.pipe`sha256sum`).stdout;

test('pods write to the device itself, and nothing else does', async (t) => {
  const { volume: make, file, bed } = await makeDisk(t);
  await writeFile(file, 'what was there', { flag: 'r+' });
  const volume = await make(raw);
  await volume.attach();
  for (const _ of ['once', 'twice']) await volume.stage();
  for (const _ of ['once', 'twice']) await volume.publish();
  assert.deepEqual(bed.mounts(), [volume.target]);
  const device = await open(volume.target, 'r+');
  const { buffer } = await device.read(Buffer.alloc(14), 0, 14, 0);
  assert.equal(buffer.toString(), 'what was there');
  await device.write(Buffer.from('written by a pod'), 0, undefined, 8 * mebibyte);
  await device.sync();
  await device.close();
  await bed.crash();
  const { usage } = await bed.driver.csi.Node.NodeGetVolumeStats({
    volume_id: volume.id,
    volume_path: volume.target,
  });
  assert.equal(usage[0]?.total, String(64 * mebibyte));
  for (const _ of ['once', 'twice']) await volume.unpublish();
  for (const _ of ['once', 'twice']) await volume.unstage();
  await volume.detach();
  assert.ok(!existsSync(volume.target));
  assert.equal(
    (await readFile(file)).subarray(8 * mebibyte, 8 * mebibyte + 16).toString(),
    'written by a pod',
  );
});

test('a filesystem that is on a device is mounted; a blank device is never formatted', async (t) => {
  const { volume: make, device, file, bed } = await makeDisk(t);
  const volume = await make(ext4);
  await volume.attach();
  const before = await sum(file);
  assert.match(await refused(volume.stage(), code.precondition), /there is no filesystem on it/);
  assert.equal(await sum(file), before);
  assert.deepEqual(await inUse(bed.pool), []);
  await execa`mkfs.ext4 -q ${device}`;
  await volume.stage();
  await volume.publish();
  await writeFile(join(volume.target, 'file'), 'content');
  await bed.crash();
  await volume.stage();
  await volume.down();
  await volume.up();
  assert.equal(await readFile(join(volume.target, 'file'), 'utf8'), 'content');
  await volume.down();
});

test('a device that is attached for reading cannot be written to, not even by a journal', async (t) => {
  const { volume: make, device, file } = await makeDisk(t);
  await execa`mkfs.ext4 -q ${device}`;
  const before = await sum(file);
  for (const [name, wish] of Object.entries({
    mounted: { mount: { fs_type: 'ext4' }, access_mode: readers },
    raw: { block: {}, access_mode: readers },
  })) {
    const volume = await make(wish, device, name);
    await volume.up();
    if (name === 'raw') {
      const opened = open(volume.target, 'r+');
      await assert.rejects(
        opened.then((handle) => handle.write('x').finally(() => handle.close())),
        /EPERM|EROFS|EACCES/,
      );
    } else {
      await assert.rejects(writeFile(join(volume.target, 'file'), 'x'), { code: 'EROFS' });
    }
    await volume.down();
    assert.equal((await execa`losetup --list --noheadings --output NAME ${device}`).stdout, device);
  }
  assert.equal(await sum(file), before);
});

test('a pod has a device read-only beside one that writes to it, and what others have over it stays', async (t) => {
  const { volume: make, device, bed } = await makeDisk(t);
  const foreign = (await execa`losetup --find --show --read-only ${device}`).stdout;
  cleanUp(t, () => execa`losetup --detach ${foreign}`);
  const over = async () => (await execa`losetup --list --noheadings --output NAME,BACK-FILE`).stdout;
  const count = async () => (await over()).split('\n').filter((line) => line.endsWith(` ${device}`)).length;
  const volume = await make({ block: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } });
  const reader = `${volume.target}-reader`;
  await volume.up();
  for (const _ of ['once', 'twice']) await volume.publish({ target_path: reader, readonly: true });
  assert.equal(await count(), 2);
  await assert.rejects(execa`dd if=/proc/version of=${reader} conv=notrunc,fsync status=none`);
  await execa`dd if=/proc/version of=${volume.target} conv=notrunc,fsync status=none`;
  const { Node } = bed.driver.csi;
  await Node.NodeUnpublishVolume({ volume_id: volume.id, target_path: reader });
  assert.equal(await count(), 1);
  await volume.down();
  assert.equal(await count(), 1);
});

test('a name of a device counts for what it leads to', async (t) => {
  const folder = `/dev/berth-test-${process.pid}`;
  await mkdir(folder);
  cleanUp(t, () => rm(folder, { recursive: true }));
  const { volume: make, device } = await makeDisk(t, [`${folder}/disk-*`]);
  const other = await loopDevice(t, await imageFile(t, await temporaryDirectory(t), mebibyte));
  await symlink(device, join(folder, 'disk-1'));
  await symlink(other, join(folder, 'other'));
  await symlink(join(folder, 'disk-1'), join(folder, 'link'));
  await symlink('/etc/passwd', join(folder, 'disk-2'));
  await symlink('nowhere', join(folder, 'disk-3'));
  for (const [path, expected, message] of [
    [join(folder, 'other'), code.invalid, /is not one that the config allows/],
    [join(folder, 'disk-2'), code.invalid, /is no block device below \/dev/],
    [join(folder, 'disk-3'), code.notFound, /is not there; attach the disk/],
    [join(folder, 'disk-4'), code.notFound, /is not there; attach the disk/],
  ] as const) {
    const volume = await make(raw, path, path.slice(-6));
    await volume.attach();
    assert.match(await refused(volume.stage(), expected), message);
    await volume.detach();
  }
  const volume = await make(raw, join(folder, 'link'));
  await volume.up();
  await volume.down();
});

const uses: readonly [
  what: string,
  use: (t: TestContext, device: string) => Promise<unknown>,
  told: RegExp,
  // The kernel swaps to a device that it was given, at any time: only the header stays as it is.
  content?: (file: string) => Promise<string>,
][] = [
  [
    'mounted',
    async (t, device) => {
      const path = await temporaryDirectory(t);
      await execa`mkfs.ext4 -q ${device}`;
      // Mounted to be read: of one that can be written, the kernel writes the inode tables later.
      await execa`mount -o ro ${device} ${path}`;
      cleanUp(t, () => execa`umount ${path}`);
    },
    /is mounted at \//,
  ],
  [
    'opened for itself by a process',
    async (t, device) => {
      const handle = await open(device, constants.O_RDONLY | constants.O_EXCL);
      cleanUp(t, () => handle.close());
    },
    /is opened by something for itself alone/,
  ],
  [
    'swap space',
    async (t, device) => {
      await execa`mkswap --quiet ${device}`;
      await execa`swapon ${device}`;
      cleanUp(t, () => execa`swapoff ${device}`);
    },
    /is swap space on this node/,
    swapHeader,
  ],
  [
    'mounted in part',
    async (t, device) => {
      const path = await temporaryDirectory(t);
      await execa`addpart ${device} 1 2048 65536`;
      cleanUp(t, () => execa`delpart ${device} 1`);
      await execa`mkfs.ext4 -q ${device}p1`;
      await execa`mount -o ro ${device}p1 ${path}`;
      cleanUp(t, () => execa`umount ${path}`);
    },
    /is in use by its partition loop\d+p1, which is mounted at/,
  ],
  ['labelled for LVM', (_, device) => writeLabel(device), /is labelled as LVM2_member/],
  ['labelled as swap', (_, device) => execa`mkswap --quiet ${device}`, /is labelled as swap/],
];

for (const [what, use, told, content = sum] of uses) {
  test(`a device that is ${what} is given to nobody`, async (t) => {
    const { volume: make, device, file, bed } = await makeDisk(t);
    await use(t, device);
    const before = await content(file);
    for (const wish of [raw, ext4]) {
      const volume = await make(wish, device, wish === raw ? 'raw' : 'ext4');
      await volume.attach();
      assert.match(await refused(volume.stage(), code.precondition), told);
      await volume.detach();
    }
    assert.deepEqual([await inUse(bed.pool), bed.mounts()], [[], []]);
    assert.equal(await content(file), before);
  });
}

async function writeLabel(device: string): Promise<void> {
  const handle = await open(device, 'r+');
  await handle.write(lvmLabel(), 0, undefined, 512);
  await handle.sync();
  await handle.close();
}

test('a device has one writer, whatever its volumes are called', async (t) => {
  const { volume: make, device } = await makeDisk(t);
  const one = await make(raw, device, 'one');
  const two = await make(raw, device, 'two');
  await one.up();
  await two.attach();
  assert.match(await refused(two.stage(), code.precondition), /is staged on this node as the volume one/);
  await two.detach();
  await one.down();
  const lun = '/dev/disk/by-id/wwn-0x5000';
  const three = await make(raw, lun, 'three');
  const four = await make(raw, lun, 'four');
  await three.attach();
  assert.match(
    await refused(four.attach(), code.precondition),
    /attached to the node node-1 as the volume three/,
  );
  await three.detach();
  await four.attach();
  await four.detach();
});

test('a device stays with the node that it was taken from by force, until that has let go of it', async (t) => {
  const { volume: make, bed } = await makeDisk(t);
  const volume = await make(raw);
  await volume.up();
  await volume.detach();
  await bed.announce('node-2');
  assert.match(
    await refused(volume.attach('node-2'), code.precondition),
    /was taken by force from the node node-1, which may still write to it/,
  );
  // It may have it back itself, and is asked for it no less the next time.
  await volume.attach();
  await volume.detach();
  await refused(volume.attach('node-2'), code.precondition);
  await volume.unpublish();
  await volume.unstage();
  await volume.attach('node-2');
  await volume.detach('node-2');
});

test('a device whose filesystem is still mounted somewhere is not let go of', async (t) => {
  const { volume: make, device } = await makeDisk(t);
  await execa`mkfs.ext4 -q ${device}`;
  const volume = await make(ext4);
  await volume.up();
  assert.match(await refused(volume.unstage(), code.unavailable), /is still in use/);
  await volume.down();
});

test('a path that cannot be a device is refused before anything is attached', async (t) => {
  const { volume: make } = await makeDisk(t);
  for (const path of ['/etc/passwd', '/dev/../etc/passwd', 'dev/sda', '/dev/', '/dev//sda', '/dev/a\nb']) {
    const volume = await make(raw, path, `bad-${Math.random()}`);
    assert.match(await refused(volume.attach(), code.invalid), /its device cannot be used: /);
  }
});
