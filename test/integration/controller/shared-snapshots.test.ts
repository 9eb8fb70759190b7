// Volumes that nobody writes to, served straight from a snapshot.
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { withPools } from './local-pools.ts';

const source = { volume_content_source: { snapshot: { snapshot_id: 'scratch/snap' } } };
const reader = { access_mode: { mode: 'MULTI_NODE_READER_ONLY' as const }, mount: {} };
const writer = { access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' as const }, mount: {} };

test('a read-only volume shows the snapshot itself, to pods that cannot write, and outlives it', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const { Controller, Node } = csi;
  await Controller.CreateVolume(request('pvc-1'));
  await writeFile(join(machine.pool, 'pvc-1/file'), 'content');
  await Controller.CreateSnapshot({ name: 'snap', source_volume_id: 'scratch/pvc-1' });
  const asked = { ...request('pvc-2', { onDelete: 'archive' }), ...source, volume_capabilities: [reader] };
  const { volume } = await Controller.CreateVolume(asked);
  assert.ok(volume);
  assert.deepEqual(await Controller.CreateVolume(asked), { volume });
  assert.equal(volume.content_source?.snapshot?.snapshot_id, 'scratch/snap');
  assert.deepEqual(await readdir(join(machine.pool, 'pvc-2')), [], 'nothing was copied');
  const { volume_id, volume_context } = volume;

  const asWriter = { ...asked, volume_capabilities: [reader, writer] };
  assert.match(await refused(Controller.CreateVolume(asWriter), code.exists), /another access mode/);
  const attach = { volume_id, volume_context, node_id: 'node-1', readonly: false };
  const attached = Controller.ControllerPublishVolume({ ...attach, volume_capability: writer });
  assert.match(await refused(attached, code.invalid), /straight from a snapshot/);
  const grow = { volume_id, capacity_range: { required_bytes: 1 << 30 } };
  assert.match(await refused(Controller.ControllerExpandVolume(grow), code.precondition), /snapshot/);

  const { publish_context } = await Controller.ControllerPublishVolume({
    ...attach,
    volume_capability: reader,
  });
  const staging_target_path = join(machine.directory, 'staging');
  const target_path = join(machine.directory, 'target');
  const staged = {
    volume_id,
    volume_context,
    publish_context,
    volume_capability: reader,
    staging_target_path,
  };
  await execa`mkdir ${staging_target_path}`;
  await Node.NodeStageVolume(staged);
  for (const _ of ['once', 'twice']) await Node.NodePublishVolume({ ...staged, target_path });
  await Controller.DeleteSnapshot({ snapshot_id: 'scratch/snap' });
  await refused(Controller.CreateVolume({ ...asked, name: 'pvc-3' }), code.notFound);
  assert.equal(await readFile(join(target_path, 'file'), 'utf8'), 'content');
  await assert.rejects(writeFile(join(target_path, 'file'), 'x'), { code: 'EROFS' });
  const { usage } = await Node.NodeGetVolumeStats({ volume_id, volume_path: target_path });
  assert.equal(usage.length, 2);

  // A snapshot or a clone of it has what it shows.
  await Controller.CreateSnapshot({ name: 'again', source_volume_id: volume_id });
  const clone = { ...request('clone'), volume_content_source: { volume: { volume_id } } };
  await Controller.CreateVolume(clone);
  assert.equal(await readFile(join(machine.pool, 'clone/file'), 'utf8'), 'content');
  const { snapshot } = await Controller.GetSnapshot({ snapshot_id: 'scratch/again' });
  assert.equal(snapshot?.source_volume_id, volume_id);

  await Node.NodeUnpublishVolume({ volume_id, target_path });
  await Node.NodeUnstageVolume({ volume_id, staging_target_path });
  await Controller.ControllerUnpublishVolume({ volume_id, node_id: 'node-1' });
  await Controller.DeleteVolume({ volume_id });
  assert.deepEqual(await readdir(join(machine.pool, '.berth/archive')), [], 'nothing of it is its own');
  assert.deepEqual(await readdir(join(machine.pool, '.berth/shares')), []);
});

test('a read-only raw device is another link to the snapshot, where its size and its space are the same', async (t) => {
  const { path: pool } = await loopFilesystem(t, 'ext4');
  const machine = await makeMachine(t);
  const { csi } = await machine.start({ flags: await withPools(machine, { scratch: pool }) });
  const { Controller } = csi;
  const size = 1 << 20;
  const block = (name: string, mode: 'SINGLE_NODE_WRITER' | 'MULTI_NODE_READER_ONLY', bytes = size) => ({
    name,
    capacity_range: { required_bytes: bytes },
    volume_capabilities: [{ access_mode: { mode }, block: {} }],
  });
  await Controller.CreateVolume(block('raw', 'SINGLE_NODE_WRITER'));
  await Controller.CreateSnapshot({ name: 'snap', source_volume_id: 'scratch/raw' });
  const inodeOf = async (name: string) => {
    const [file = ''] = await readdir(join(pool, name));
    return (await stat(join(pool, name, file))).ino;
  };
  const [data = ''] = (await readdir(join(pool, '.berth/snapshots'))).filter((name) => name.startsWith('+'));
  const inode = (await stat(join(pool, '.berth/snapshots', data))).ino;
  const asked = { ...block('same', 'MULTI_NODE_READER_ONLY'), ...source };
  const { volume } = await Controller.CreateVolume(asked);
  assert.equal(await inodeOf('same'), inode);
  assert.deepEqual(await Controller.CreateVolume(asked), { volume });
  await Controller.CreateVolume({ ...block('larger', 'MULTI_NODE_READER_ONLY', 2 * size), ...source });
  assert.notEqual(await inodeOf('larger'), inode);
  await Controller.CreateVolume({ ...block('written', 'SINGLE_NODE_WRITER'), ...source });
  assert.notEqual(await inodeOf('written'), inode);
  await Controller.CreateVolume({
    ...block('thick', 'MULTI_NODE_READER_ONLY'),
    ...source,
    parameters: { allocation: 'thick' },
  });
  assert.notEqual(await inodeOf('thick'), inode);
  const grow = { volume_id: 'scratch/same', capacity_range: { required_bytes: 2 * size } };
  await refused(Controller.ControllerExpandVolume(grow), code.precondition);
  await Controller.DeleteVolume({ volume_id: 'scratch/same' });
  assert.equal((await stat(join(pool, '.berth/snapshots', data))).size, size);
});
