import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { atPath, makeNode, refused } from './node-fixture.ts';

type Driver = ReturnType<typeof makeNode>['node'];

/** The conditions of a volume, as `STATUS Reason`. */
async function conditions(driver: Driver, volume_id: string, volume_publish_path = ''): Promise<string[]> {
  const answer = await driver.NodeGetVolumeHealth({
    volume_id,
    volume_publish_path,
    staging_target_path: '',
  });
  assert.equal(answer.volume_health?.volume_id, volume_id);
  return (answer.volume_health?.health_statuses ?? []).map((entry) => `${entry.status} ${entry.reason}`);
}

test('stats give bytes and inodes of a published volume, also after a restart', async (t) => {
  const { node, start, volume, publication } = makeNode(t);
  const request = publication(volume('data'), 'a');
  await refused(node.NodeGetVolumeStats(atPath(request.volume_id, request.target_path)), status.NOT_FOUND);
  await node.NodePublishVolume(request);
  for (const driver of [node, start()]) {
    for (const path of [request.target_path, `${request.target_path}/`, `/${request.target_path}`]) {
      const { usage = [] } = await driver.NodeGetVolumeStats(atPath(request.volume_id, path));
      assert.deepEqual(
        usage.map(({ unit }) => unit),
        ['BYTES', 'INODES'],
      );
      for (const { total, used, available } of usage) {
        assert.ok(Number(total) > 0 && Number(used) > 0 && Number(available) > 0);
      }
    }
  }
  await node.NodeUnpublishVolume(request);
});

test('a path where the volume is not is not found, whatever is there', async (t) => {
  const { node, start, volume, publication, at } = makeNode(t);
  const request = publication(volume('data'), 'a');
  const other = publication(volume('other'), 'b');
  await node.NodePublishVolume(request);
  await node.NodePublishVolume(other);
  symlinkSync(request.target_path, at('link'));
  mkdirSync(at('foreign'));
  execFileSync('mount', ['-t', 'tmpfs', 'none', at('foreign')]);
  const paths = [
    ...[
      '/',
      '//',
      '/.',
      '/proc',
      '/dev',
      'some/path',
      './',
      '/nonexistent/path',
      at('pool'),
      at('pool/data'),
    ],
    ...[at('link'), at('foreign'), at('pods'), `${request.target_path}/inside`, `${at('pods')}/../pods/a`],
    ...[`/${'x'.repeat(300)}/y`, `/${'x/'.repeat(2000)}`, other.target_path],
  ];
  for (const driver of [node, start()]) {
    for (const path of paths) {
      const call = driver.NodeGetVolumeStats(atPath(request.volume_id, path));
      await refused(call, status.NOT_FOUND, /not published at that path/);
      assert.deepEqual(await conditions(driver, request.volume_id, path), ['INACCESSIBLE NotMounted'], path);
    }
    for (const stranger of ['scratch/nonesuch', 'nonesuch', 'nas/data', '../data', '/']) {
      await refused(driver.NodeGetVolumeStats(atPath(stranger, request.target_path)), status.NOT_FOUND);
      await refused(conditions(driver, stranger, request.target_path), status.NOT_FOUND);
      await refused(conditions(driver, stranger), status.NOT_FOUND);
    }
  }
  execFileSync('umount', [at('foreign')]);
  await node.NodeUnpublishVolume(other);
  await node.NodeUnpublishVolume(request);
});

test('health tells of a volume that is well, gone from its path, or deleted below it', async (t) => {
  const { node, start, volume, publication, at } = makeNode(t);
  const request = publication(volume('data'), 'a', { volume_id: 'scratch/data' });
  const { volume_id: id, target_path: target } = request;
  await refused(conditions(node, id), status.NOT_FOUND);
  await node.NodeStageVolume(request);
  assert.deepEqual(await conditions(node, id), []);
  assert.deepEqual(await conditions(node, id, target), ['INACCESSIBLE NotMounted']);
  await node.NodePublishVolume(request);
  for (const driver of [node, start()]) {
    assert.deepEqual(await conditions(driver, id), []);
    assert.deepEqual(await conditions(driver, id, target), []);
  }
  rmSync(at('pool/data'), { recursive: true });
  for (const driver of [node, start()]) {
    assert.deepEqual(await conditions(driver, id), ['INACCESSIBLE DirectoryGone']);
    assert.deepEqual(await conditions(driver, id, target), ['INACCESSIBLE DirectoryGone']);
  }
  rmSync(at('pool'), { recursive: true });
  assert.deepEqual(await conditions(node, id, target), ['INACCESSIBLE DirectoryGone']);
  mkdirSync(at('pool'));
  await node.NodeUnpublishVolume(request);
  await node.NodeUnstageVolume(request);
  await refused(conditions(node, id), status.NOT_FOUND);
});

test('after a restart a volume is found by its id alone, whatever its directory is called', async (t) => {
  const { node, start, volume, publication, at } = makeNode(t);
  const templated = publication(volume('team/claim'), 'a', { volume_id: 'scratch/pvc-1' });
  const fixed = publication(volume('photos'), 'b', { volume_id: 'company-photos' });
  // Its directory has the name that the first one's would have without a subDir.
  const namesake = publication(volume('pvc-1'), 'c', { volume_id: 'scratch/pvc-2' });
  const all = [templated, fixed, namesake];
  for (const request of all) {
    await node.NodeStageVolume(request);
    await node.NodePublishVolume(request);
  }
  const again = start();
  for (const { volume_id } of all) assert.deepEqual(await conditions(again, volume_id), []);
  rmSync(at('pool/team/claim'), { recursive: true });
  assert.deepEqual(await conditions(again, 'scratch/pvc-1'), ['INACCESSIBLE DirectoryGone']);
  assert.deepEqual(await conditions(again, 'scratch/pvc-2'), []);
  await refused(again.NodeGetVolumeStats(atPath('scratch/pvc-1', namesake.target_path)), status.NOT_FOUND);
  for (const request of all) {
    await again.NodeUnpublishVolume(request);
    await refused(conditions(again, request.volume_id), status.NOT_FOUND);
    await again.NodeUnstageVolume(request);
  }
  assert.deepEqual(readdirSync(at('state/node-volumes')), []);
});

test('a volume is published without its note, and a mangled one is none', async (t) => {
  const { node, start, volume, publication, at, mountsAt } = makeNode(t);
  const request = publication(volume('team/claim'), 'a', { volume_id: 'scratch/pvc-1' });
  writeFileSync(at('state'), '');
  await node.NodePublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 1);
  assert.deepEqual(await conditions(node, 'scratch/pvc-1', request.target_path), []);
  await refused(conditions(start(), 'scratch/pvc-1'), status.NOT_FOUND);
  rmSync(at('state'));
  await node.NodePublishVolume(request);
  const [file = ''] = readdirSync(at('state/node-volumes'));
  for (const text of [
    '',
    '{"v":1,"vol',
    'null',
    '[]',
    '{"pool":"scratch","dir":"../../etc"}',
    '{"pool":1,"dir":2}',
  ]) {
    writeFileSync(at('state/node-volumes', file), text);
    await refused(conditions(start(), 'scratch/pvc-1'), status.NOT_FOUND);
  }
  await node.NodeUnpublishVolume(request);
});

test('storage health names a pool whose directory is missing', async (t) => {
  const { node, at, publication } = makeNode(t);
  assert.deepEqual(await node.NodeGetStorageHealth(), { backend_health: [] });
  rmSync(at('pool'), { recursive: true });
  const { backend_health: [first] = [] } = await node.NodeGetStorageHealth();
  assert.equal(first?.status, 'STORAGE_UNREACHABLE');
  assert.equal(first?.reason, 'PoolMissing');
  assert.match(first?.message ?? '', /pool scratch/);
  await refused(node.NodePublishVolume(publication('x', 'a')), status.FAILED_PRECONDITION, /pool scratch/);
});
