import assert from 'node:assert/strict';
import { statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { capability, code } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { withPools } from './local-pools.ts';

test('the capacity is what is free on the pool that is asked for, and none for what cannot be served', async (t) => {
  const machine = await makeMachine(t);
  const { path } = await loopFilesystem(t, 'ext4');
  const flags = await withPools(machine, { small: path, scratch: machine.pool });
  const { csi } = await machine.start({ mode: 'controller', flags });
  const small = { parameters: { pool: 'small', subDir: '${pvc.metadata.name}', onDelete: 'retain' } };
  const free = async () => {
    const { bavail, bsize } = await statfs(path, { bigint: true });
    return String(bavail * bsize);
  };
  const asked = async () => (await csi.Controller.GetCapacity(small)).available_capacity;
  // The pool is attached, and .berth made: from here on nobody else writes to it.
  await csi.Controller.ListVolumes({});
  const before = await free();
  assert.equal(await asked(), before);
  await writeFile(join(path, 'file'), Buffer.alloc(1 << 24), { flush: true });
  const after = await free();
  assert.ok(BigInt(before) - BigInt(after) >= 1 << 24);
  assert.equal(await asked(), after);
  const block = { access_mode: { mode: 'SINGLE_NODE_WRITER' as const }, block: {} };
  const image = await csi.Controller.GetCapacity({ ...small, volume_capabilities: [block] });
  assert.equal(image.available_capacity, after);
  // As external-provisioner asks, without the filesystem of the class.
  const thick = { pool: 'small', allocation: 'thick' };
  for (const volume_capabilities of [[], [block], [capability('SINGLE_NODE_WRITER')]]) {
    const answer = await csi.Controller.GetCapacity({ parameters: thick, volume_capabilities });
    assert.equal(answer.available_capacity, after);
  }
  const sharedImage = { ...capability('MULTI_NODE_MULTI_WRITER'), mount: { fs_type: 'ext4' } };
  for (const unserved of [sharedImage, capability('MULTI_NODE_SINGLE_WRITER')]) {
    const answer = await csi.Controller.GetCapacity({ ...small, volume_capabilities: [unserved] });
    assert.equal(answer.available_capacity, '0');
  }
  assert.match(await refused(csi.Controller.GetCapacity({}), code.invalid), /has small, scratch: say which/);
  await refused(csi.Controller.GetCapacity({ parameters: { pool: 'other' } }), code.invalid);
});
