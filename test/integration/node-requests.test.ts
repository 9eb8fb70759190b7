import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { VolumeCapability } from '../../src/wire/generated/csi-types.ts';
import { atPath, capability, makeNode, refused } from './node-fixture.ts';

test('a node tells its name, its limit and what it can do', async (t) => {
  const { node } = makeNode(t);
  assert.deepEqual(await node.NodeGetInfo(), {
    node_id: 'node-1',
    max_volumes_per_node: 7,
    accessible_topology: { segments: { 'topology.csi.berth.dev/node': 'node-1' } },
  });
  const { capabilities = [] } = await node.NodeGetCapabilities();
  assert.deepEqual(
    capabilities.map((entry) => entry.rpc?.type),
    [
      'STAGE_UNSTAGE_VOLUME',
      'GET_VOLUME_STATS',
      'EXPAND_VOLUME',
      'SINGLE_NODE_MULTI_WRITER',
      'GET_VOLUME_HEALTH',
      'GET_STORAGE_HEALTH',
    ],
  );
});

test('teardown of what was never there is fine', async (t) => {
  const { node, publication } = makeNode(t);
  const request = publication('never', 'a', { volume_id: 'some-handle' });
  for (let i = 0; i < 2; i += 1) await node.NodeUnpublishVolume(request);
  await node.NodeUnpublishVolume({ ...request, target_path: '/nonexistent/parent/target' });
  for (let i = 0; i < 2; i += 1) await node.NodeUnstageVolume(request);
});

test('teardown works for a pool that the config does not name any more', async (t) => {
  const { node, publication } = makeNode(t);
  const request = publication('x', 'a', { volume_id: 'gone/x' });
  await node.NodeUnpublishVolume(request);
  await node.NodeUnstageVolume(request);
});

test('a volume that is not to be had as asked for is refused with the code of the specification', async (t) => {
  const { node, volume, publication } = makeNode(t);
  const good = publication(volume('data'), 'a');
  const bad = status.INVALID_ARGUMENT;
  await refused(
    node.NodePublishVolume({ ...good, staging_target_path: '' }),
    status.FAILED_PRECONDITION,
    /stage/,
  );
  for (const subDir of ['..', '../x', '/etc', 'a/../../b', '.berth/volumes', '']) {
    await refused(node.NodePublishVolume(publication(subDir, 'a', { volume_id: 'v' })), bad);
  }
  await refused(
    node.NodePublishVolume({ ...good, volume_context: { pool: 'nonesuch', subDir: 'x' }, volume_id: 'v' }),
    status.FAILED_PRECONDITION,
    /config/,
  );
});

test('a capability that is not served is a failed precondition of the node, as the specification has it', async (t) => {
  const { node, volume, publication, mounts } = makeNode(t);
  const good = publication(volume('data'), 'a');
  const { access_mode } = capability('MULTI_NODE_MULTI_WRITER');
  const mount = (asked: object): VolumeCapability => ({
    access_mode,
    access_type: 'mount',
    mount: { fs_type: '', mount_flags: [], volume_mount_group: '', ...asked },
  });
  const block: VolumeCapability = { access_mode, access_type: 'block', block: {} };
  for (const [volume_capability, why] of [
    [block, /shared directory, which is no device/],
    [capability('MULTI_NODE_SINGLE_WRITER'), /MULTI_NODE_SINGLE_WRITER is not served/],
    [capability('SINGLE_NODE_WRITER', ['nfsvers=3']), /mount option/],
    [mount({ fs_type: 'ext4' }), /fstype/],
    [mount({ volume_mount_group: '1000' }), /mount group is not applied/],
  ] as const) {
    for (const call of [node.NodeStageVolume, node.NodePublishVolume]) {
      await refused(call({ ...good, volume_capability }), status.FAILED_PRECONDITION, why);
    }
  }
  assert.deepEqual(mounts(), []);
});

test('a static volume that is several things at once, or names what cannot be one, is refused with the reason', async (t) => {
  const { node, publication } = makeNode(t);
  for (const [volume_context, why] of [
    [{ pool: 'scratch', subDir: 'a', image: 'disk.img' }, /have several of/],
    [{ pool: 'scratch', subDir: 'a', device: '/dev/sda' }, /have several of/],
    [{ device: '/etc/passwd' }, /device cannot be used: it is not below \/dev/],
    [{ pool: 'scratch', image: '../disk.img' }, /image cannot be used/],
  ] as const) {
    const request = publication('x', 'a', { volume_id: 'by-hand', volume_context });
    for (const call of [node.NodeStageVolume, node.NodePublishVolume]) {
      await refused(call(request), status.INVALID_ARGUMENT, why);
    }
  }
});

test('an image whose publish context is not the controller’s is not staged', async (t) => {
  const { node, publication } = makeNode(t);
  const right = { key: 'x', image: 'x/disk.img', size: '1' };
  for (const publish_context of [
    {},
    { key: 'x', size: '1' },
    { ...right, key: '../x' },
    { ...right, image: '/etc/shadow' },
    { ...right, size: '-1' },
    { ...right, format: 'btrfs' },
  ]) {
    const volume_context = { pool: 'scratch', image: 'x/disk.img' };
    const request = publication('x', 'a', { volume_context, publish_context });
    for (const call of [node.NodeStageVolume, node.NodePublishVolume]) {
      await refused(
        call(request),
        status.FAILED_PRECONDITION,
        /not that of an attached volume|attached as an image and its attributes name a device now/,
      );
    }
  }
});

test('a volume is staged at a path with one set of mount flags, as far as this process has done it', async (t) => {
  const { node, start, volume, publication } = makeNode(t);
  const stage = publication(volume('data'), 'a');
  const other = { ...stage, volume_capability: capability('SINGLE_NODE_MULTI_WRITER', ['noexec']) };
  await node.NodeStageVolume(stage);
  for (let call = 0; call < 2; call += 1) {
    await refused(node.NodeStageVolume(other), status.ALREADY_EXISTS, /other mount flags/);
  }
  await node.NodeStageVolume({ ...stage, staging_target_path: `${stage.staging_target_path}/` });
  await node.NodeStageVolume({ ...stage, volume_capability: capability('SINGLE_NODE_WRITER') });
  await node.NodeStageVolume({ ...other, volume_id: 'scratch/another' });
  await start().NodeStageVolume(other);
  await node.NodeUnstageVolume(stage);
  await node.NodeStageVolume(other);
  await refused(node.NodeStageVolume(stage), status.ALREADY_EXISTS);
});

test('expansion answers what was asked where the volume is published', async (t) => {
  const { node, volume, publication } = makeNode(t);
  const request = publication(volume('data'), 'a');
  const ask = (path: string) => ({
    ...atPath(request.volume_id, path),
    capacity_range: { required_bytes: '21474836480', limit_bytes: '0' },
    volume_capability: null,
    secrets: {},
  });
  await refused(node.NodeExpandVolume(ask('some/path')), status.NOT_FOUND);
  await node.NodePublishVolume(request);
  assert.deepEqual(await node.NodeExpandVolume(ask(request.target_path)), { capacity_bytes: '21474836480' });
  await node.NodeUnpublishVolume(request);
  await refused(node.NodeExpandVolume(ask(request.target_path)), status.NOT_FOUND);
});
