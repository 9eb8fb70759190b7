// Images that are copied while a node has them, and their copies beside them.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { ext4, makeBed, raw, xfs } from './fixture.ts';

const mebibyte = 1 << 20;

for (const [name, wish, larger] of [
  // An ext4 grows in the VM's tests: that takes a capability which a build machine may not have.
  ['ext4', ext4, 320],
  ['xfs', xfs, 400],
] as const) {
  test(`the snapshot of a mounted ${name} has its files, beside it, and on a device of the same sectors`, async (t) => {
    const bed = await makeBed(t, { disk: await loopFilesystem(t, 'xfs') });
    const volume = await bed.volume('db', wish, 320 * mebibyte);
    await volume.up();
    await writeFile(join(volume.target, 'file'), 'content');
    await execa`sync --file-system ${volume.target}`;
    const { Controller } = bed.driver.csi;
    const { snapshot } = await Controller.CreateSnapshot({ name: 'snap', source_volume_id: volume.id });
    assert.equal(snapshot?.ready_to_use, true);
    await writeFile(join(volume.target, 'file'), 'later');
    const source = { volume_content_source: { snapshot: { snapshot_id: 'scratch/snap' } } };
    const restored = await bed.volume('db-2', wish, larger * mebibyte, source);
    await restored.up();
    assert.equal(await readFile(join(restored.target, 'file'), 'utf8'), 'content');
    const { stdout } = await execa`df --output=size --block-size=1M ${restored.target}`;
    assert.ok(Number(stdout.split('\n')[1]) > larger - 100, stdout);
    // Its blocks are shared by now.
    await volume.down();
    await volume.up();
    assert.equal(await readFile(join(volume.target, 'file'), 'utf8'), 'later');
    await volume.down();
    await restored.down();
  });
}

test('a raw device keeps its sectors when its image has a copy', async (t) => {
  const bed = await makeBed(t, { disk: await loopFilesystem(t, 'xfs') });
  const volume = await bed.volume('raw', raw, 8 * mebibyte);
  const sectors = async () => (await execa`blockdev --getss ${volume.target}`).stdout;
  await volume.up();
  const before = await sectors();
  await volume.down();
  await bed.driver.csi.Controller.CreateSnapshot({ name: 'snap', source_volume_id: volume.id });
  await volume.up();
  assert.equal(await sectors(), before);
  await volume.down();
});
