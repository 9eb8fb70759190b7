import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { atPath, capability, makeNode, refused } from './node-fixture.ts';

test('a node tells its name, its limit and what it can do', async (t) => {
  const { node } = makeNode(t);
  assert.deepEqual(await node.NodeGetInfo(), { node_id: 'node-1', max_volumes_per_node: 7 });
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
    node.NodePublishVolume({ ...good, volume_capability: capability('SINGLE_NODE_WRITER', ['nfsvers=3']) }),
    bad,
    /mount option/,
  );
  await refused(
    node.NodePublishVolume({ ...good, volume_context: { pool: 'nonesuch', subDir: 'x' }, volume_id: 'v' }),
    status.FAILED_PRECONDITION,
    /config/,
  );
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
