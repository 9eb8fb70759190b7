import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { CommandError } from '../../../src/host/command-error.ts';
import {
  checkFilesystem,
  DamagedFilesystemError,
  growFilesystem,
  makeFilesystem,
} from '../../../src/host/filesystem.ts';
import { growLoop } from '../../../src/host/loop.ts';
import { statfs } from '../../../src/host/statfs.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { imageFile, loopDevice, mebibyte } from '../../support/image-file.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const patience = { timeoutMs: 60_000 };

// ext4 grows so in the VM: the kernel asks for CAP_SYS_RESOURCE, which root of a build machine may not have.
test('a mounted xfs grows with its device, and once more is no error', async (t) => {
  const file = await imageFile(t, await temporaryDirectory(t), 320 * mebibyte);
  const device = await loopDevice(t, file);
  await makeFilesystem(device, 'xfs', patience);
  const mountPoint = await temporaryDirectory(t);
  await execa`mount -t xfs ${device} ${mountPoint}`;
  cleanUp(t, () => execa`umount ${mountPoint}`);
  await writeFile(join(mountPoint, 'kept'), 'content');
  const before = await statfs(mountPoint, patience);
  await execa`truncate --size ${640 * mebibyte} ${file}`;
  await growLoop(device, patience);
  for (const _ of ['grown', 'as large as its device already']) {
    await growFilesystem({ device, mountPoint }, 'xfs', patience);
    const after = await statfs(mountPoint, patience);
    assert.ok(after.totalBytes >= before.totalBytes + BigInt(300 * mebibyte), String(after.totalBytes));
  }
  assert.equal((await execa`cat ${join(mountPoint, 'kept')}`).stdout, 'content');
});

test('a mounted ext4 that is as large as its device stays as it is', async (t) => {
  const device = await loopDevice(t, await imageFile(t, await temporaryDirectory(t), 64 * mebibyte));
  await makeFilesystem(device, 'ext4', patience);
  const mountPoint = await temporaryDirectory(t);
  await execa`mount -t ext4 ${device} ${mountPoint}`;
  cleanUp(t, () => execa`umount ${mountPoint}`);
  const before = await statfs(mountPoint, patience);
  await growFilesystem({ device, mountPoint }, 'ext4', patience);
  assert.deepEqual(await statfs(mountPoint, patience), before);
});

test('a filesystem that was not unmounted is put right by its checker', async (t) => {
  const device = await loopDevice(t, await imageFile(t, await temporaryDirectory(t), 64 * mebibyte));
  await makeFilesystem(device, 'ext4', patience);
  // As a node leaves it that lost power: in use, with errors that e2fsck corrects by itself.
  await execa`debugfs -w -R ${'ssv state 0'} ${device}`;
  await execa`debugfs -w -R ${'ssv free_blocks_count 7'} ${device}`;
  await checkFilesystem(device, 'ext4', patience);
  const { stdout } = await execa`dumpe2fs -h ${device}`;
  assert.match(stdout, /^Filesystem state: +clean$/m);
});

test('of a checker that has repaired something only what is left counts', async () => {
  const ended = (exitCode: number) => async (): Promise<string> => {
    throw new CommandError({
      file: 'e2fsck',
      exitCode,
      timedOut: false,
      timeoutMs: 1,
      stdout: '',
      stderr: '',
    });
  };
  // e2fsck(8): the status is a sum. 1 corrected, 2 restart, 4 left uncorrected, 8 operational error.
  for (const status of [1, 2, 3]) await checkFilesystem('/dev/loop0', 'ext4', patience, ended(status));
  for (const status of [4, 5, 12]) {
    await assert.rejects(
      checkFilesystem('/dev/loop0', 'ext4', patience, ended(status)),
      DamagedFilesystemError,
    );
  }
  await assert.rejects(checkFilesystem('/dev/loop0', 'ext4', patience, ended(8)), CommandError);
});
