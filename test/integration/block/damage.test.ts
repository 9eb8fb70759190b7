// What a node finds that was not left as a clean unstage leaves it.
import assert from 'node:assert/strict';
import { copyFile, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { refused } from '../../csi/refused.ts';
import { code } from '../../csi/requests.ts';
import { mebibyte } from '../../support/image-file.ts';
import { type Bed, ext4, inUse, makeBed, raw, type Volume, xfs } from './fixture.ts';

/** A volume that was used and let go of, with a file in it. */
async function usedVolume(bed: Bed, wish: typeof ext4 | typeof xfs): Promise<Volume> {
  const volume = await bed.volume('pvc-1', wish, 320 * mebibyte);
  await volume.up();
  await writeFile(join(volume.target, 'file'), 'content');
  await volume.down();
  return volume;
}

async function contentIsThere(volume: Volume): Promise<void> {
  assert.equal(await readFile(join(volume.target, 'file'), 'utf8'), 'content');
}

test('an ext4 whose superblock is right and whose group descriptors are not is repaired, and mounted', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  await volume.up();
  await writeFile(join(volume.target, 'file'), 'content');
  await volume.down();
  await execa`debugfs -w -R ${'set_bg 0 checksum 0x1234'} ${volume.file}`;
  await volume.up();
  assert.equal(await readFile(join(volume.target, 'file'), 'utf8'), 'content');
  await volume.down();
  await execa`e2fsck -f -n ${volume.file}`;
});

test('an ext4 whose counts are wrong is repaired before it is mounted', async (t) => {
  const bed = await makeBed(t);
  const volume = await usedVolume(bed, ext4);
  for (const request of ['ssv free_blocks_count 1', 'ssv state 0'])
    await execa`debugfs -w -R ${request} ${volume.file}`;
  await volume.up();
  await contentIsThere(volume);
  await volume.down();
  assert.equal((await execa`e2fsck -f -n ${volume.file}`).exitCode, 0);
});

const damages = {
  ext4: async (file: string) => {
    await execa`debugfs -w -R ${'clri <2>'} ${file}`;
    await execa`debugfs -w -R ${'ssv state 0'} ${file}`;
  },
  xfs: (file: string) => execa`xfs_db -x -c ${'agi 0'} -c ${'write -d magicnum 0'} ${file}`,
};

for (const [type, wish] of Object.entries({ ext4, xfs })) {
  test(`an ${type} that is damaged is told, and nothing of it stays on the node`, async (t) => {
    const bed = await makeBed(t);
    const volume = await usedVolume(bed, wish);
    await damages[type === 'ext4' ? 'ext4' : 'xfs'](volume.file);
    await volume.attach();
    for (const _ of ['once', 'twice'])
      assert.match(await refused(volume.stage(), code.precondition), /has a damaged filesystem/);
    assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
    await volume.unstage();
    await volume.detach();
  });

  test(`an ${type} with a journal to be replayed is told where it may not be written to`, async (t) => {
    const bed = await makeBed(t);
    const volume = await bed.volume('pvc-1', wish, 320 * mebibyte);
    await volume.up();
    await writeFile(join(volume.target, 'file'), 'content');
    await execa`sync --file-system ${volume.target}`;
    // As a node leaves it that loses its power.
    const copy = join(bed.pool, 'copy.img');
    await copyFile(volume.file, copy);
    await volume.down();
    const context = { pool: 'scratch', image: 'copy.img' };
    const reader = { ...wish, access_mode: { mode: 'MULTI_NODE_READER_ONLY' } };
    const readers = await bed.existing('copy', reader, context);
    await readers.attach();
    assert.match(await refused(readers.stage(), code.precondition), /attach it once for writing/);
    assert.deepEqual([bed.loops(), bed.mounts()], [[], []]);
    await readers.detach();
    const writer = await bed.existing('writer', wish, context);
    await writer.up();
    await contentIsThere(writer);
    await writer.down();
    await readers.up();
    await contentIsThere(readers);
    await readers.down();
  });
}

test('an image that is gone is told of, and used again once it is back', async (t) => {
  const bed = await makeBed(t);
  const volume = await usedVolume(bed, ext4);
  await volume.attach();
  await rename(volume.file, `${volume.file}.away`);
  for (const _ of ['once', 'twice'])
    assert.match(await refused(volume.stage(), code.notFound), /has no image on the pool/);
  assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
  await rename(`${volume.file}.away`, volume.file);
  await volume.up();
  await contentIsThere(volume);
  await volume.down();
});

/** What a reboot leaves: nothing mounted, no loop device, and the notes of the boot before. */
async function reboot(bed: Bed): Promise<void> {
  for (const path of bed.mounts().reverse()) await execa`umount ${path}`;
  for (const device of bed.loops()) await execa`losetup --detach ${device}`;
  const notes = join(bed.machine.directory, 'state/node-blocks');
  for (const name of await readdir(notes)) {
    const note = JSON.parse(await readFile(join(notes, name), 'utf8')) as Record<string, unknown>;
    assert.ok(typeof note.boot === 'string');
    await writeFile(join(notes, name), JSON.stringify({ ...note, boot: 'the one before' }));
  }
  await bed.crash();
}

for (const [kind, wish] of Object.entries({ ext4, raw })) {
  test(`a volume (${kind}) is attached anew after a reboot, by its next stage`, async (t) => {
    const bed = await makeBed(t);
    const volume = await bed.volume('pvc-1', wish, 64 * mebibyte);
    await volume.up();
    await reboot(bed);
    assert.deepEqual([bed.loops(), bed.mounts()], [[], []]);
    await volume.stage();
    await volume.publish();
    assert.equal(bed.loops().length, 1);
    await volume.down();
    assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
  });

  test(`a volume (${kind}) that a reboot has taken down is let go of by its unstage`, async (t) => {
    const bed = await makeBed(t);
    const volume = await bed.volume('pvc-1', wish, 64 * mebibyte);
    await volume.up();
    await reboot(bed);
    assert.equal((await inUse(bed.pool)).length, 1);
    await volume.down();
    assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[], []]);
  });
}

for (const [type, wish] of Object.entries({ ext4, xfs })) {
  test(`an ${type} of which both ends are lost is not taken for a blank image`, async (t) => {
    const bed = await makeBed(t);
    const volume = await usedVolume(bed, wish);
    const handle = await open(volume.file, 'r+');
    for (const position of [0, 319 * mebibyte])
      await handle.write(Buffer.alloc(mebibyte), 0, mebibyte, position);
    await handle.close();
    const { stdout: before } = await execa`sha256sum ${volume.file}`;
    await volume.attach();
    assert.match(await refused(volume.stage(), code.precondition), /holds data of no known form/);
    assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
    await volume.unstage();
    await volume.detach();
    assert.equal((await execa`sha256sum ${volume.file}`).stdout, before);
  });
}

test('an image whose space is reserved, or was written full of zeros, is a blank one', async (t) => {
  const bed = await makeBed(t);
  const thick = await bed.volume('thick', ext4, 64 * mebibyte, { parameters: { allocation: 'thick' } });
  const zeros = await bed.volume('zeros', ext4, 64 * mebibyte);
  await writeFile(zeros.file, Buffer.alloc(64 * mebibyte));
  for (const volume of [thick, zeros]) {
    await volume.up();
    await volume.down();
  }
});
