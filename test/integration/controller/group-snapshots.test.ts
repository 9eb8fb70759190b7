import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { repeatUnfinished } from '../../support/repeat-unfinished.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { withPools } from './local-pools.ts';

const volumes = ['pvc-1', 'pvc-2', 'pvc-3'];
const asked = { name: 'group', source_volume_ids: volumes.map((name) => `scratch/${name}`) };

async function start(t: TestContext, path?: string) {
  const machine = await makeMachine(t);
  const pool = path ?? machine.pool;
  const flags = path === undefined ? [] : await withPools(machine, { scratch: path });
  const { csi } = await machine.start({ flags });
  for (const name of volumes) {
    await csi.Controller.CreateVolume(request(name));
    await writeFile(join(pool, name, 'file'), name);
  }
  return { csi, pool, startAnother: () => machine.start({ mode: 'controller', name: 'two', flags }) };
}

const folder = (pool: string, name: string) => readdir(join(pool, '.berth', name));

async function waitForNothing(pool: string): Promise<void> {
  for (const name of ['snapshots', 'copies', 'groups', 'trash']) {
    await waitFor(`${name} is empty`, async () => (await folder(pool, name)).length === 0);
  }
}

test('a group has a snapshot of each volume, which are listed, and deleted, with it only', async (t) => {
  const { csi, pool } = await start(t);
  const { GroupController, Controller } = csi;
  const { group_snapshot: group } = await GroupController.CreateVolumeGroupSnapshot(asked);
  assert.equal(group?.group_snapshot_id, 'scratch/group');
  assert.equal(group.ready_to_use, true);
  assert.deepEqual(
    group.snapshots.map(({ source_volume_id }) => source_volume_id),
    asked.source_volume_ids,
  );
  assert.deepEqual(await GroupController.CreateVolumeGroupSnapshot(asked), { group_snapshot: group });
  const { entries } = await Controller.ListSnapshots({});
  assert.deepEqual(new Set(entries.map(({ snapshot }) => snapshot)), new Set(group.snapshots));
  const [member] = group.snapshots;
  const sentence = await refused(
    Controller.DeleteSnapshot({ snapshot_id: member?.snapshot_id ?? '' }),
    code.invalid,
  );
  assert.match(sentence, /is a member of the group group/);
  const source = { volume_content_source: { snapshot: { snapshot_id: member?.snapshot_id ?? '' } } };
  await Controller.CreateVolume({ ...request('restored'), ...source });
  assert.deepEqual(await readdir(join(pool, 'restored')), ['file']);

  const id = { group_snapshot_id: 'scratch/group' };
  const others = { ...id, snapshot_ids: ['scratch/other'] };
  await refused(GroupController.GetVolumeGroupSnapshot(others), code.invalid);
  await refused(GroupController.DeleteVolumeGroupSnapshot(others), code.invalid);
  assert.deepEqual(await GroupController.GetVolumeGroupSnapshot(id), { group_snapshot: group });
  const fewer = { ...asked, source_volume_ids: asked.source_volume_ids.slice(1) };
  await refused(GroupController.CreateVolumeGroupSnapshot(fewer), code.exists);
  for (const _ of ['once', 'twice'])
    assert.deepEqual(await GroupController.DeleteVolumeGroupSnapshot(id), {});
  assert.deepEqual((await Controller.ListSnapshots({})).entries, []);
  await refused(GroupController.GetVolumeGroupSnapshot(id), code.notFound);
  await waitForNothing(pool);
});

test('a group that cannot be complete is none, and leaves nothing', async (t) => {
  const disk = await loopFilesystem(t, 'ext4');
  const { csi, pool } = await start(t, disk.path);
  const { GroupController, Controller } = csi;
  const missing = { name: 'group', source_volume_ids: ['scratch/pvc-1', 'scratch/none'] };
  await refused(GroupController.CreateVolumeGroupSnapshot(missing), code.notFound);
  await refused(
    GroupController.CreateVolumeGroupSnapshot({ name: 'group', source_volume_ids: [] }),
    code.invalid,
  );
  await execa`dd if=/dev/urandom of=${join(pool, 'pvc-2/large')} bs=1M count=160 status=none`;
  const taking = async () => {
    for (;;) await GroupController.CreateVolumeGroupSnapshot(asked);
  };
  assert.match(await refused(taking(), code.exhausted), /no space/);
  assert.deepEqual((await Controller.ListSnapshots({})).entries, []);
  await waitForNothing(pool);
});

test('two controllers make one group', async (t) => {
  const { csi, pool, startAnother } = await start(t);
  const drivers = [csi, (await startAnother()).csi];
  const [one, two] = await Promise.all(
    drivers.map(({ GroupController }) =>
      repeatUnfinished(() => GroupController.CreateVolumeGroupSnapshot(asked)),
    ),
  );
  assert.deepEqual(one, two);
  assert.equal((await folder(pool, 'snapshots')).length, 2 * volumes.length, 'records, and their data');
});
