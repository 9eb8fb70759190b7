// What a device holds, from real devices. Only what is proven blank may ever be formatted.
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { execa } from 'execa';
import { CommandError } from '../../../src/host/command-error.ts';
import { contentOf, type DeviceContent } from '../../../src/host/device-content.ts';
import { checkFilesystem, DamagedFilesystemError, makeFilesystem } from '../../../src/host/filesystem.ts';
import { type Run, run } from '../../../src/host/run.ts';
import { imageFile, loopDevice, mebibyte } from '../../support/image-file.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { lvmLabel } from '../../support/lvm-label.ts';
import { partitionTable } from '../../support/partition-table.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const patience = { timeoutMs: 60_000 };
const size = 320 * mebibyte;

async function device(t: TestContext, bytes = size): Promise<string> {
  return loopDevice(t, await imageFile(t, await temporaryDirectory(t), bytes));
}

async function write(path: string, at: number, data: Uint8Array): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.write(data, 0, data.length, at);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

test('a device of zeros is blank', async (t) => {
  assert.deepEqual(await contentOf(await device(t), patience), { kind: 'blank' });
  assert.deepEqual(await contentOf(await device(t, mebibyte / 2), patience), { kind: 'blank' });
});

for (const type of ['ext4', 'xfs'] as const) {
  test(`a device with ${type} is no blank one, and is not made one by a damaged start`, async (t) => {
    const path = await device(t);
    await makeFilesystem(path, type, patience);
    const found = await contentOf(path, patience);
    assert.ok(found.kind === 'filesystem' && found.type === type, inspect(found));
    assert.ok(found.size === undefined || found.size === BigInt(size), String(found.size));
    await checkFilesystem(path, type, patience);
    await write(path, 0, Buffer.alloc(64 * 1024));
    const damaged = await contentOf(path, patience);
    assert.notEqual(damaged.kind, 'blank');
    assert.notEqual(damaged.kind, 'filesystem');
  });
}

const signatures: readonly [what: string, make: (path: string) => Promise<unknown>, DeviceContent['kind']][] =
  [
    ['random bytes at the start', (path) => write(path, 0, Buffer.from('what is this')), 'unknown'],
    ['one byte in the last block', (path) => write(path, size - 1, Buffer.of(1)), 'unknown'],
    ['a partition table', (path) => write(path, 0, partitionTable()), 'other'],
    // The label of a physical volume (LVM2), at its usual place.
    ['an LVM label', (path) => write(path, 512, lvmLabel()), 'other'],
    ['swap space', (path) => execa`mkswap --quiet ${path}`, 'other'],
  ];

for (const [what, make, kind] of signatures) {
  test(`a device with ${what} is not blank, whatever it looks like`, async (t) => {
    const path = await device(t);
    await make(path);
    for (const looksBlank of [false, true]) {
      assert.equal((await contentOf(path, { ...patience, looksBlank })).kind, kind);
    }
  });
}

test('a filesystem is found, although its device looked blank', async (t) => {
  for (const type of ['ext4', 'xfs'] as const) {
    const path = await device(t);
    await makeFilesystem(path, type, patience);
    const found = await contentOf(path, { ...patience, looksBlank: true });
    assert.ok(found.kind === 'filesystem' && found.type === type, inspect(found));
  }
});

test('a device that cannot be read is not called blank', async (t) => {
  const filesystem = await loopFilesystem(t, 'xfs');
  const file = await imageFile(t, filesystem.path, 64 * mebibyte);
  const path = await loopDevice(t, file);
  await filesystem.shutDown();
  for (const looksBlank of [false, true]) {
    await assert.rejects(contentOf(path, { ...patience, looksBlank }), CommandError);
  }
});

test('a device is not called blank where blkid fails, whatever its status says', async (t) => {
  const path = await device(t);
  const failing =
    (exitCode: number): Run =>
    async (file, args, options) => {
      if (file !== 'blkid') return run(file, args, options);
      throw new CommandError({ file, exitCode, timedOut: false, timeoutMs: 1, stdout: '', stderr: '' });
    };
  await assert.rejects(contentOf(path, patience, failing(4)), CommandError);
  assert.deepEqual(await contentOf(path, patience, failing(8)), {
    kind: 'other',
    what: 'more than one signature',
  });
  await assert.rejects(contentOf(path, { ...patience, looksBlank: true }, failing(4)), CommandError);
  // "Nothing found" by a blkid that could not read, on a device with data.
  await write(path, 4096, Buffer.of(1));
  assert.equal((await contentOf(path, patience, failing(2))).kind, 'unknown');
});

test('a filesystem that cannot be repaired without a decision is told, and stays as it is', async (t) => {
  const path = await device(t);
  await makeFilesystem(path, 'ext4', patience);
  await execa`debugfs -w -R ${'clri <2>'} ${path}`;
  await execa`debugfs -w -R ${'ssv state 0'} ${path}`;
  await assert.rejects(checkFilesystem(path, 'ext4', patience), DamagedFilesystemError);
  const found = await contentOf(path, patience);
  assert.ok(found.kind === 'filesystem' && found.type === 'ext4');
});

test('a maker refuses a device that is mounted, and one that holds a filesystem', async (t) => {
  const path = await device(t);
  await makeFilesystem(path, 'xfs', patience);
  await assert.rejects(makeFilesystem(path, 'xfs', patience), /existing filesystem/);
  const target = await temporaryDirectory(t);
  await execa`mount ${path} ${join(target)}`;
  try {
    await assert.rejects(makeFilesystem(path, 'ext4', patience), /mounted/);
  } finally {
    await execa`umount ${target}`;
  }
});
