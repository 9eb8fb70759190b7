// The mode in which every node has its own controller: nobody but the driver itself attaches and expands.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import type { CsiClient } from '../../csi/client.ts';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { type Driver, makeMachine } from '../../support/driver.ts';
import { loopsBelow } from '../../support/image-file.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { withPools } from '../controller/local-pools.ts';
import { xfs } from './fixture.ts';

const mebibyte = 1 << 20;

/** The nodes that a volume is attached to. */
async function attachedTo({ Controller }: CsiClient, volume_id: string): Promise<readonly string[]> {
  const { status } = await Controller.ControllerGetVolume({ volume_id });
  return status?.published_node_ids ?? [];
}

async function start(t: TestContext) {
  const disk = await loopFilesystem(t, 'xfs');
  const machine = await makeMachine(t);
  const flags = await withPools(machine, { scratch: disk.path });
  const run = (name: string): Promise<Driver> => machine.start({ mode: 'local', name, flags });
  const path = async (name: string) => {
    await mkdir(join(machine.directory, name));
    return join(machine.directory, name);
  };
  return { pool: disk.path, run, path, machine };
}

test('a node attaches, expands and detaches its own images, also after a crash', async (t) => {
  const { pool, run, path, machine } = await start(t);
  let driver = await run('first');
  const { Controller } = driver.csi;
  const { volume } = await Controller.CreateVolume({
    ...request('pvc-1'),
    volume_capabilities: [xfs],
    capacity_range: { required_bytes: 320 * mebibyte },
  });
  assert.ok(volume);
  const { volume_id, volume_context } = volume;
  const staging_target_path = await path('staging');
  const target_path = join(machine.directory, 'target');
  // As kubelet asks where a CSIDriver says that nothing is to be attached.
  const staged = { volume_id, volume_context, volume_capability: xfs, staging_target_path };
  for (const _ of ['once', 'twice']) await driver.csi.Node.NodeStageVolume(staged);
  await driver.csi.Node.NodePublishVolume({ ...staged, target_path });
  assert.deepEqual(await attachedTo(driver.csi, volume_id), ['node-1']);
  await refused(driver.csi.Controller.DeleteVolume({ volume_id }), code.precondition);
  await writeFile(join(target_path, 'file'), 'content');

  await driver.end('SIGKILL');
  driver = await run('second');
  const capacity_range = { required_bytes: 400 * mebibyte };
  const grow = { volume_id, volume_path: target_path, volume_capability: xfs, capacity_range };
  for (const _ of ['once', 'twice']) {
    const { capacity_bytes } = await driver.csi.Node.NodeExpandVolume(grow);
    assert.equal(capacity_bytes, String(400 * mebibyte));
  }
  const { stdout } = await execa`df --output=size --block-size=1M ${target_path}`;
  assert.ok(Number(stdout.split('\n')[1]) > 310, stdout);
  assert.equal(await readFile(join(target_path, 'file'), 'utf8'), 'content');

  await driver.csi.Node.NodeUnpublishVolume({ volume_id, target_path });
  for (const _ of ['once', 'twice'])
    await driver.csi.Node.NodeUnstageVolume({ volume_id, staging_target_path });
  assert.deepEqual(await attachedTo(driver.csi, volume_id), []);
  assert.deepEqual(loopsBelow(pool), []);
  await driver.csi.Controller.DeleteVolume({ volume_id });
});

test('what cannot be staged is not left attached', async (t) => {
  const { pool, run, path } = await start(t);
  const { csi } = await run('csi');
  const asked = {
    ...request('pvc-1'),
    volume_capabilities: [xfs],
    capacity_range: { required_bytes: 320 * mebibyte },
  };
  const { volume } = await csi.Controller.CreateVolume(asked);
  assert.ok(volume);
  const { volume_id, volume_context } = volume;
  // Somebody's data, which is no xfs: never formatted.
  await execa`dd if=/dev/urandom of=${join(pool, 'pvc-1/disk.img')} bs=1M count=4 conv=notrunc status=none`;
  const staging_target_path = await path('staging');
  const stage = { volume_id, volume_context, volume_capability: xfs, staging_target_path };
  await assert.rejects(csi.Node.NodeStageVolume(stage));
  assert.deepEqual(await attachedTo(csi, volume_id), []);
  assert.deepEqual(loopsBelow(pool), []);
  await csi.Controller.DeleteVolume({ volume_id });
});

test('sidecars are not told of what would reach the wrong node’s controller', async (t) => {
  const { run } = await start(t);
  const { csi } = await run('csi');
  const { capabilities } = await csi.Controller.ControllerGetCapabilities({});
  const types = capabilities.map(({ rpc }) => rpc?.type ?? '');
  assert.ok(types.includes('CREATE_DELETE_VOLUME') && types.includes('GET_CAPACITY'), types.join());
  for (const type of ['PUBLISH_UNPUBLISH_VOLUME', 'EXPAND_VOLUME', 'MODIFY_VOLUME']) {
    assert.ok(!types.some((each) => each === type), type);
  }
  const node = await csi.Node.NodeGetCapabilities({});
  assert.ok(node.capabilities.some(({ rpc }) => rpc?.type === 'EXPAND_VOLUME'));
});

test('a share is refused where every node has its own controller', async (t) => {
  const { machine } = await start(t);
  const config = join(machine.directory, 'share.yaml');
  await writeFile(config, JSON.stringify({ pools: { nas: { nfs: { server: '127.0.0.1', path: '/x' } } } }));
  const ended = machine.run(['local', '--node-id', 'x', '--config', config]);
  await assert.rejects(ended, /status 2: .*the pool nas is a share/);
});
