import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import type { CsiClient } from '../../csi/client.ts';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';

type Bad = (csi: CsiClient) => Promise<unknown>;

const id = { volume_id: 'scratch/pvc-1' };
const big = 'x'.repeat(129);
const rwx = capability();

const invalid: Readonly<Record<string, Bad>> = {
  'CreateVolume without a name': ({ Controller }) => Controller.CreateVolume(request('')),
  'CreateVolume without capabilities': ({ Controller }) => Controller.CreateVolume({ name: 'x' }),
  'CreateVolume with a name of 129 bytes': ({ Controller }) => Controller.CreateVolume(request(big)),
  'CreateVolume with a control character': ({ Controller }) => Controller.CreateVolume(request('a\u0007b')),
  'CreateVolume with a map beyond 4 KiB': ({ Controller }) =>
    Controller.CreateVolume(
      request(
        'x',
        Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v'.repeat(100)])),
      ),
    ),
  'CreateVolume with an unknown parameter': ({ Controller }) =>
    Controller.CreateVolume(request('x', { colour: 'blue' })),
  'CreateVolume on an unknown pool': ({ Controller }) =>
    Controller.CreateVolume(request('x', { pool: 'nas' })),
  'CreateVolume with ".."': ({ Controller }) =>
    Controller.CreateVolume(request('x', { subDir: 'a/../../etc' })),
  'CreateVolume with an absolute path': ({ Controller }) =>
    Controller.CreateVolume(request('x', { subDir: '/etc' })),
  'CreateVolume in the state directory': ({ Controller }) =>
    Controller.CreateVolume(request('x', { subDir: '.berth/volumes/x' })),
  'CreateVolume with a limit below the request': ({ Controller }) =>
    Controller.CreateVolume({ ...request('x'), capacity_range: { required_bytes: '2', limit_bytes: '1' } }),
  'CreateVolume with a negative size': ({ Controller }) =>
    Controller.CreateVolume({ ...request('x'), capacity_range: { required_bytes: '-2' } }),
  'CreateVolume of a filesystem that many nodes write to': ({ Controller }) =>
    Controller.CreateVolume({ name: 'x', volume_capabilities: [{ ...rwx, mount: { fs_type: 'xfs' } }] }),
  'CreateVolume with a filesystem': ({ Controller }) =>
    Controller.CreateVolume({ name: 'x', volume_capabilities: [{ ...rwx, mount: { fs_type: 'btrfs' } }] }),
  'CreateVolume with one writer and many readers': ({ Controller }) =>
    Controller.CreateVolume({ name: 'x', volume_capabilities: [capability('MULTI_NODE_SINGLE_WRITER')] }),
  'CreateVolume with a mount option that leads elsewhere': ({ Controller }) =>
    Controller.CreateVolume({
      name: 'x',
      volume_capabilities: [{ ...rwx, mount: { mount_flags: ['bind'] } }],
    }),
  'CreateVolume with a mount group': ({ Controller }) =>
    Controller.CreateVolume({
      name: 'x',
      volume_capabilities: [{ ...rwx, mount: { volume_mount_group: '1000' } }],
    }),
  'CreateVolume from nothing': ({ Controller }) =>
    Controller.CreateVolume({ ...request('x'), volume_content_source: {} }),
  'CreateVolume from a snapshot without an id': ({ Controller }) =>
    Controller.CreateVolume({ ...request('x'), volume_content_source: { snapshot: {} } }),
  'CreateSnapshot without a volume': ({ Controller }) => Controller.CreateSnapshot({ name: 'x' }),
  'CreateVolumeGroupSnapshot of nothing': ({ GroupController }) =>
    GroupController.CreateVolumeGroupSnapshot({ name: 'x', source_volume_ids: [] }),
  'DeleteVolume without an id': ({ Controller }) => Controller.DeleteVolume({}),
  'ControllerPublishVolume without a capability': ({ Controller }) =>
    Controller.ControllerPublishVolume({ ...id, node_id: 'node-1' }),
  'ControllerPublishVolume with a node id of 257 bytes': ({ Controller }) =>
    Controller.ControllerPublishVolume({ ...id, node_id: 'x'.repeat(257), volume_capability: rwx }),
  'ControllerPublishVolume of a block volume': ({ Controller }) =>
    Controller.ControllerPublishVolume({
      ...id,
      node_id: 'node-1',
      volume_capability: { access_mode: { mode: 'SINGLE_NODE_WRITER' }, block: {} },
    }),
  'ControllerPublishVolume without an access mode': ({ Controller }) =>
    Controller.ControllerPublishVolume({ ...id, node_id: 'node-1', volume_capability: { mount: {} } }),
  'ControllerPublishVolume with an access mode that CSI does not define': ({ Controller }) =>
    Controller.ControllerPublishVolume({
      ...id,
      node_id: 'node-1',
      // As a newer caller would send it.
      volume_capability: { access_mode: { mode: 99 as unknown as 'UNKNOWN' }, mount: {} },
    }),
  'ControllerPublishVolume that asks neither for a mount nor for a block device': ({ Controller }) =>
    Controller.ControllerPublishVolume({
      ...id,
      node_id: 'node-1',
      volume_capability: { access_mode: { mode: 'SINGLE_NODE_WRITER' } },
    }),
  'ControllerPublishVolume of an image': ({ Controller }) =>
    Controller.ControllerPublishVolume({
      volume_id: 'by-hand',
      node_id: 'node-1',
      volume_capability: rwx,
      volume_context: { pool: 'scratch', image: '../disk.img' },
    }),
  'ValidateVolumeCapabilities of a device that is none': ({ Controller }) =>
    Controller.ValidateVolumeCapabilities({
      volume_id: 'by-hand',
      volume_capabilities: [rwx],
      volume_context: { device: '/etc/passwd' },
    }),
  'ControllerExpandVolume with a negative limit': ({ Controller }) =>
    Controller.ControllerExpandVolume({ ...id, capacity_range: { limit_bytes: '-1' } }),
  'ListVolumes with a negative maximum': ({ Controller }) => Controller.ListVolumes({ max_entries: -1 }),
  'ControllerListVolumeHealth with a negative maximum': ({ Controller }) =>
    Controller.ControllerListVolumeHealth({ max_entries: -1 }),
  'ControllerExpandVolume without a range': ({ Controller }) => Controller.ControllerExpandVolume(id),
  'ControllerModifyVolume of what is fixed': ({ Controller }) =>
    Controller.ControllerModifyVolume({ ...id, mutable_parameters: { pool: 'x' } }),
  'ValidateVolumeCapabilities without capabilities': ({ Controller }) =>
    Controller.ValidateVolumeCapabilities(id),
  'NodeStageVolume with a relative path': ({ Node }) =>
    Node.NodeStageVolume({ ...id, staging_target_path: 'a/b', volume_capability: rwx }),
  'NodeStageVolume without a path': ({ Node }) => Node.NodeStageVolume({ ...id, volume_capability: rwx }),
  'NodePublishVolume that climbs': ({ Node }) =>
    Node.NodePublishVolume({
      ...id,
      staging_target_path: '/tmp/x',
      target_path: '/tmp/../etc/x',
      volume_capability: rwx,
    }),
  'NodePublishVolume of a subDir that climbs': ({ Node }) =>
    Node.NodePublishVolume({
      ...id,
      staging_target_path: '/tmp/x',
      target_path: '/tmp/y',
      volume_capability: rwx,
      volume_context: { pool: 'scratch', subDir: '../../etc' },
    }),
  'NodePublishVolume of an id that names another pool than its attributes': ({ Node }) =>
    Node.NodePublishVolume({
      ...id,
      staging_target_path: '/tmp/x',
      target_path: '/tmp/y',
      volume_capability: rwx,
      volume_context: { pool: 'other', subDir: 'x' },
    }),
  'NodeUnpublishVolume without a path': ({ Node }) => Node.NodeUnpublishVolume(id),
  'NodeUnpublishVolume of the root': ({ Node }) => Node.NodeUnpublishVolume({ ...id, target_path: '/' }),
  'NodeGetVolumeStats without a path': ({ Node }) => Node.NodeGetVolumeStats(id),
};

test('every wrong request is INVALID_ARGUMENT with one clear sentence, and changes nothing', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(request('pvc-1'));
  for (const [what, call] of Object.entries(invalid)) {
    await t.test(what, async () => {
      const message = await refused(call(csi), code.invalid);
      assert.match(message, /^[A-Z].{20,}\.$/, message);
      assert.doesNotMatch(message, /\n|\bat .*:\d+:\d+|[{}\\]|Error:|\/proc\//, message);
    });
  }
  assert.deepEqual((await readdir(machine.pool)).sort(), ['.berth', 'pvc-1']);
});

test('a foreign or mangled volume id is not found, and nothing by that name is touched', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await csi.Controller.CreateVolume(request('pvc-1'));
  for (const foreign of [
    'pvc-1',
    'scratch',
    'scratch/',
    '/scratch/pvc-1',
    'scratch/../pvc-1',
    'scratch/.',
    'scratch//pvc-1',
    'scratch/pvc-1/',
    'scratch/pvc-2',
    '10.0.0.1#share#x##',
  ]) {
    const bad = { volume_id: foreign };
    await csi.Controller.DeleteVolume(bad);
    await csi.Controller.ControllerUnpublishVolume({ ...bad, node_id: 'node-1' });
    await refused(csi.Controller.ControllerGetVolume(bad), code.notFound);
    await refused(
      csi.Controller.ControllerExpandVolume({ ...bad, capacity_range: { required_bytes: '1' } }),
      code.notFound,
    );
    await refused(
      csi.Controller.ControllerModifyVolume({ ...bad, mutable_parameters: { onDelete: 'retain' } }),
      code.notFound,
    );
    await refused(
      csi.Controller.ValidateVolumeCapabilities({ ...bad, volume_capabilities: [rwx] }),
      code.notFound,
    );
    await refused(
      csi.Controller.ControllerPublishVolume({ ...bad, node_id: 'node-1', volume_capability: rwx }),
      code.notFound,
    );
    await refused(csi.Controller.ControllerGetVolumeHealth(bad), code.notFound);
  }
  await refused(
    csi.Controller.ControllerPublishVolume({ ...id, node_id: 'nobody', volume_capability: rwx }),
    code.notFound,
  );
  assert.deepEqual((await readdir(machine.pool)).sort(), ['.berth', 'pvc-1']);
});

test('a volume on a pool that the config lacks is never said to be deleted', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  const message = await refused(csi.Controller.DeleteVolume({ volume_id: 'nas/pvc-1' }), code.precondition);
  assert.match(message, /pool that the config does not name/);
});

test('attributes that contradict a volume’s record are refused', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  await csi.Controller.CreateVolume(request('pvc-1'));
  await csi.Controller.CreateVolume(request('pvc-2'));
  const attach = csi.Controller.ControllerPublishVolume({
    ...id,
    node_id: 'node-1',
    volume_capability: rwx,
    volume_context: { pool: 'scratch', subDir: 'pvc-2' },
  });
  assert.match(await refused(attach, code.invalid), /its attributes name another/);
});

test('a capability that cannot be served is not confirmed, with the reason', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  await csi.Controller.CreateVolume(request('pvc-1'));
  const answer = await csi.Controller.ValidateVolumeCapabilities({
    ...id,
    volume_capabilities: [{ access_mode: { mode: 'SINGLE_NODE_WRITER' }, block: {} }],
  });
  assert.equal(answer.confirmed, null);
  assert.match(answer.message, /a shared directory, which is no device/);
  const good = await csi.Controller.ValidateVolumeCapabilities({ ...id, volume_capabilities: [rwx] });
  assert.ok(good.confirmed);
});
