// What the superblock of a real ext4 says. Only one that e2fsck would leave alone may go without it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { ext4StateOf } from '../../../src/host/ext4-state.ts';
import { checkFilesystem, makeFilesystem } from '../../../src/host/filesystem.ts';
import { imageFile, loopDevice, mebibyte } from '../../support/image-file.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const patience = { timeoutMs: 60_000 };
const size = 64 * mebibyte;

async function device(t: TestContext): Promise<string> {
  return loopDevice(t, await imageFile(t, await temporaryDirectory(t), size));
}

test('a clean ext4 tells its size and is left alone', async (t) => {
  const path = await device(t);
  await makeFilesystem(path, 'ext4', patience);
  assert.deepEqual(await ext4StateOf(path, patience), { size: BigInt(size), isToBeChecked: false });
});

const reasons: readonly [why: string, command: readonly string[]][] = [
  ['was not unmounted', ['debugfs', '-w', '-R', 'ssv state 0']],
  ['has errors', ['debugfs', '-w', '-R', 'ssv state 3']],
  ['has counted errors', ['debugfs', '-w', '-R', 'ssv error_count 2']],
  ['has a journal to be replayed', ['debugfs', '-w', '-R', 'feature needs_recovery']],
  ['has a file to be removed', ['debugfs', '-w', '-R', 'ssv last_orphan 12']],
  ['is due after so many mounts', ['tune2fs', '-c', '20']],
  ['is due after some time', ['tune2fs', '-i', '30d']],
];

for (const [why, [command = '', ...args]] of reasons) {
  test(`an ext4 that ${why} is to be checked`, async (t) => {
    const path = await device(t);
    await makeFilesystem(path, 'ext4', patience);
    await execa(command, [...args, path]);
    assert.deepEqual(await ext4StateOf(path, patience), { size: BigInt(size), isToBeChecked: true });
  });
}

test('what is no ext4, or cannot be read as one, has no such state', async (t) => {
  const path = await device(t);
  assert.equal(await ext4StateOf(path, patience), undefined);
  await execa`mkfs.ext3 -q ${path}`;
  assert.equal(await ext4StateOf(path, patience), undefined);
  await makeFilesystem(path, 'ext4', patience);
  await execa`dd if=/dev/zero of=${path} bs=4096 count=1 conv=notrunc status=none`;
  assert.equal(await ext4StateOf(path, patience), undefined);
  assert.equal(await ext4StateOf(`${path}-gone`, patience), undefined);
});

test('one that was repaired needs no check any more', async (t) => {
  const path = await device(t);
  await makeFilesystem(path, 'ext4', patience);
  await execa`debugfs -w -R ${'ssv state 0'} ${path}`;
  await checkFilesystem(path, 'ext4', patience);
  assert.equal((await ext4StateOf(path, patience))?.isToBeChecked, false);
});
