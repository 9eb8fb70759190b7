// What pods may do with an image that is staged, and what nobody may do with it meanwhile.
import assert from 'node:assert/strict';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { refused } from '../../csi/refused.ts';
import { code } from '../../csi/requests.ts';
import { imageFile, mebibyte } from '../../support/image-file.ts';
import { ext4, inUse, makeBed, raw, xfs } from './fixture.ts';

test('a pod has a filesystem read-only beside one that writes to it', async (t) => {
  const bed = await makeBed(t);
  for (const [name, wish] of Object.entries({ ext4, xfs })) {
    const volume = await bed.volume(name, wish, 320 * mebibyte);
    await volume.attach();
    await volume.stage();
    const reader = `${volume.target}-reader`;
    const readOnly = { target_path: reader, readonly: true };
    for (const _ of ['once', 'twice']) await volume.publish(readOnly);
    await assert.rejects(writeFile(join(reader, 'file'), ''), /EROFS/);
    const capability = { ...wish, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };
    await volume.publish({ volume_capability: capability });
    await writeFile(join(volume.target, 'file'), 'content');
    assert.equal(await readFile(join(reader, 'file'), 'utf8'), 'content');
    const { Node } = bed.driver.csi;
    await Node.NodeUnpublishVolume({ volume_id: volume.id, target_path: reader });
    await volume.down();
  }
});

test('a filesystem grows for a pod that has it read-only, too', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', xfs, 320 * mebibyte);
  await volume.attach();
  await volume.stage();
  await volume.publish({ readonly: true });
  const asked = { volume_id: volume.id, capacity_range: { required_bytes: String(640 * mebibyte) } };
  const { Controller, Node } = bed.driver.csi;
  await Controller.ControllerExpandVolume(asked);
  await Node.NodeExpandVolume({ ...asked, volume_path: volume.target });
  const { usage } = await Node.NodeGetVolumeStats({ volume_id: volume.id, volume_path: volume.target });
  assert.ok(Number(usage[0]?.total) > 500 * mebibyte, JSON.stringify(usage));
  await volume.down();
});

test('a raw device that a pod still has is not let go of: another volume would be shown there', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  await volume.up();
  const loops = bed.loops();
  const told = await refused(volume.unstage(), code.precondition);
  assert.ok(told.includes(`still published at ${volume.target}`), told);
  assert.deepEqual(bed.loops(), loops);
  assert.ok((await stat(volume.target)).isBlockDevice());
  await volume.down();
  assert.deepEqual(bed.loops(), []);
});

test('a pod has a raw device read-only beside one that writes to it', async (t) => {
  const bed = await makeBed(t);
  const wish = { block: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };
  const volume = await bed.volume('pvc-1', wish, 64 * mebibyte);
  const reader = `${volume.target}-reader`;
  const readOnly = { target_path: reader, readonly: true };
  const write = (path: string) =>
    execa`dd if=/proc/version of=${path} bs=4096 conv=notrunc,fsync status=none`;
  const read = async (path: string) => (await execa`dd if=${path} bs=512 count=1 status=none`).stdout;
  await volume.up();
  await write(volume.target);
  for (const _ of ['once', 'twice']) await volume.publish(readOnly);
  assert.equal(bed.loops().length, 2);
  assert.ok((await stat(reader)).isBlockDevice());
  assert.equal(await read(reader), await read(volume.target));
  await assert.rejects(write(reader), /Read-only|not permitted|Permission denied/);
  assert.match(await refused(volume.publish({ target_path: reader }), code.exists), /other arguments/);

  const asked = { volume_id: volume.id, capacity_range: { required_bytes: String(128 * mebibyte) } };
  const { Controller, Node } = bed.driver.csi;
  await Controller.ControllerExpandVolume(asked);
  await Node.NodeExpandVolume({ ...asked, volume_path: reader });
  for (const path of [volume.target, reader]) {
    assert.equal((await execa`blockdev --getsize64 ${path}`).stdout, String(128 * mebibyte));
  }
  const { usage } = await Node.NodeGetVolumeStats({ volume_id: volume.id, volume_path: reader });
  assert.equal(usage[0]?.total, String(128 * mebibyte));

  await volume.unpublish();
  await bed.crash();
  assert.match(await refused(volume.unstage(), code.precondition), /still published at/);
  await volume.publish({ target_path: `${reader}-2`, readonly: true });
  assert.equal(bed.loops().length, 2, 'readers share one');
  for (const path of [reader, `${reader}-2`]) {
    await bed.driver.csi.Node.NodeUnpublishVolume({ volume_id: volume.id, target_path: path });
  }
  assert.equal(bed.loops().length, 1);
  await volume.unstage();
  await volume.detach();
});

test('a device that is on its way out is not used again', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', raw, 64 * mebibyte);
  await volume.attach();
  await volume.stage();
  const [device = ''] = bed.loops();
  const holder = await open(device, 'r');
  try {
    for (const call of [volume.unstage, volume.unstage, () => volume.stage(), () => volume.publish()]) {
      assert.match(await refused(call(), code.unavailable), /is not let go of yet/);
    }
    assert.deepEqual([bed.loops(), bed.mounts()], [[device], []]);
  } finally {
    await holder.close();
  }
  await volume.stage();
  await volume.publish();
  await volume.down();
});

test('what is staged in one way is not given in the other', async (t) => {
  const bed = await makeBed(t);
  const file = join(bed.pool, 'disk.img');
  await imageFile(t, bed.pool, 64 * mebibyte);
  await execa`mkfs.ext4 -q ${file}`;
  const volume = await bed.existing('static', ext4, { pool: 'scratch', image: 'disk.img' });
  const other = { volume_capability: raw };
  await volume.attach();
  await volume.stage();
  for (const asked of [() => volume.publish(other), () => volume.stage(other)]) {
    assert.match(await refused(asked(), code.precondition), /is staged on this node as a filesystem/);
  }
  await volume.publish();
  assert.deepEqual(bed.mounts().sort(), [volume.staging, volume.target].sort());
  await volume.unpublish();
  await volume.unstage();
  await volume.stage(other);
  assert.match(await refused(volume.publish(), code.precondition), /is staged on this node as a raw device/);
  await volume.publish(other);
  await volume.down();
});

test('an image of which somebody uses a part is refused', async (t) => {
  const bed = await makeBed(t);
  const volume = await bed.volume('pvc-1', ext4, 64 * mebibyte);
  const part = await execa`losetup --find --show --offset ${mebibyte} ${volume.file}`;
  await volume.attach();
  const told = await refused(volume.stage(), code.precondition);
  assert.ok(told.includes(`its loop device ${part.stdout}, which Berth has not made`), told);
  assert.deepEqual([bed.loops(), await inUse(bed.pool)], [[part.stdout], []]);
  await execa`losetup --detach ${part.stdout}`;
  await volume.stage();
  await volume.unstage();
  await volume.detach();
});
