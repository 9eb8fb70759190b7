import assert from 'node:assert/strict';
import { mkdir, open, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import {
  attachLoop,
  backingFile,
  DeviceBusyError,
  detachLoop,
  deviceSize,
  growLoop,
  identify,
  listLoops,
  loopOf,
  NoLoopDeviceError,
  NotAFileError,
  NotWritableError,
  sequenceOf,
} from '../../../src/host/loop.ts';
import { type Run, run } from '../../../src/host/run.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { imageFile, isDirect, loopDevice, mebibyte } from '../../support/image-file.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const patience = { timeoutMs: 30_000 };

test('a file gets a loop device with direct I/O, is found by it, and lets go of it', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), 8 * mebibyte);
  const identity = await identify(file, patience);
  assert.equal(identity.size, 8n * 1024n * 1024n);
  assert.equal(loopOf(await listLoops(patience), identity), undefined);
  const device = await attachLoop(file, { readOnly: false, ...patience });
  const { device: filesystem, inode } = identity;
  assert.deepEqual(loopOf(await listLoops(patience), identity), {
    path: device,
    device: filesystem,
    inode,
    readOnly: false,
    isWhole: true,
    file,
  });
  assert.equal(deviceSize(device), identity.size);
  assert.ok(isDirect(device));
  await detachLoop(device, patience);
  assert.equal(backingFile(device), undefined);
  assert.equal(loopOf(await listLoops(patience), identity), undefined);
  // Once more is no error.
  await detachLoop(device, patience);
});

test('a file is found by its loop device also when it has another name, with blanks in it', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await imageFile(t, directory, mebibyte);
  await loopDevice(t, file);
  await mkdir(join(directory, 'else where'));
  const renamed = join(directory, 'else where', 'a disk.img');
  await rename(file, renamed);
  assert.equal(loopOf(await listLoops(patience), await identify(renamed, patience))?.file, renamed);
});

test('a read-only loop device cannot be written to', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), mebibyte);
  const device = await loopDevice(t, file, { readOnly: true });
  await assert.rejects(writeFile(device, 'x'), { code: 'EPERM' });
  assert.equal(loopOf(await listLoops(patience), await identify(file, patience))?.readOnly, true);
});

test('a loop device that is open for a moment only is let go of', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), mebibyte);
  const device = await loopDevice(t, file);
  const handle = await open(device, 'r');
  // It is told to let go while it is open: closed once losetup has ended.
  const whileOpen: Run = async (...command) => {
    const output = await run(...command);
    setImmediate(() => handle.close());
    return output;
  };
  await detachLoop(device, patience, whileOpen);
  assert.equal(backingFile(device), undefined);
});

test('a loop device that is open keeps its file, and that is told', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), mebibyte);
  const device = await loopDevice(t, file);
  const user = await open(device, 'r');
  try {
    await assert.rejects(detachLoop(device, patience), DeviceBusyError);
    assert.equal(backingFile(device), file);
  } finally {
    await user.close();
  }
});

test('a loop device becomes as large as its file', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), mebibyte);
  const device = await loopDevice(t, file);
  await truncate(file, 3 * mebibyte);
  await growLoop(device, patience);
  assert.equal(deviceSize(device), BigInt(3 * mebibyte));
});

test('what is no file is no image', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await imageFile(t, directory, mebibyte);
  await symlink(file, join(directory, 'link'));
  await assert.rejects(identify(directory, patience), NotAFileError);
  await assert.rejects(identify(join(directory, 'link'), patience), NotAFileError);
  await assert.rejects(identify(join(directory, 'nothing'), patience), /No such file/);
});

test('a file that may not be written to is not attached for writing', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await imageFile(t, directory, mebibyte);
  const readOnly = join(directory, 'read-only');
  await mkdir(readOnly);
  await execa`mount --bind -o ro ${directory} ${readOnly}`;
  cleanUp(t, () => execa`umount ${readOnly}`);
  const there = join(readOnly, basename(file));
  await assert.rejects(attachLoop(there, { readOnly: false, ...patience }), NotWritableError);
  assert.equal(loopOf(await listLoops(patience), await identify(file, patience)), undefined);
  const device = await attachLoop(there, { readOnly: true, ...patience });
  await detachLoop(device, patience);
});

test('a machine that gives no loop device is told', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), mebibyte);
  // As where /dev lacks loop-control, and every device is taken.
  const hidden: Run = (command, args, options) =>
    run(
      'unshare',
      ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /dev && exec "$@"', 'sh', command, ...args],
      options,
    );
  await assert.rejects(attachLoop(file, { readOnly: false, ...patience }, hidden), NoLoopDeviceError);
});

test('a loop device has another number for each file that it gets', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), mebibyte);
  const device = await loopDevice(t, file);
  const first = sequenceOf(device);
  assert.match(first ?? '', /^\d+$/);
  await execa`losetup --set-capacity ${device}`;
  assert.equal(sequenceOf(device), first);
  await execa`losetup --detach ${device}`;
  assert.equal(sequenceOf(device), undefined);
  await execa`losetup ${device} ${file}`;
  assert.notEqual(sequenceOf(device), first);
});

test('a file is found by all the digits of its inode', async () => {
  const inode = '9223372036854775809';
  const listed = `{"loopdevices": [{"name":"/dev/loop7", "back-maj:min":" 0:45", "back-ino":${inode}, "ro":false, "offset":0, "sizelimit":0, "back-file":"/a \\"back-ino\\":1"}]}`;
  assert.deepEqual(await listLoops(patience, async () => listed), [
    { path: '/dev/loop7', device: '0:45', inode, readOnly: false, isWhole: true, file: '/a "back-ino":1' },
  ]);
});
