import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { PoolConfig } from '../../../../src/config/schema.ts';
import { parseMountinfo } from '../../../../src/host/mountinfo.ts';
import { SharedMounts } from '../../../../src/pools/shared-mount.ts';
import { PublishedVolumes } from '../../../../src/volumes/directory/published-volumes.ts';

const nas: PoolConfig = {
  kind: 'nfs',
  name: 'nas',
  nfs: { server: '10.0.0.6', path: '/k8s', mountOptions: [] },
};
const pools = new Map([[nas.name, nas]]);
const noted = new Map([
  ['nas/pvc-2', { pool: nas, subDir: 'team/two' }],
  ['photos', { pool: nas, subDir: 'photos' }],
]);

const published = new PublishedVolumes({
  pools,
  mounts: new SharedMounts('/state/node', pino({ level: 'silent' })),
  locationOf: (volumeId) => noted.get(volumeId),
});

// The server has moved: running pods have the mount of its old address.
const table = parseMountinfo(`
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /state/node/nas/0123 rw - nfs4 10.0.0.5:/k8s rw
3 1 0:6 / /state/node/nas/4567 rw - nfs4 10.0.0.6:/k8s rw
4 1 0:5 / /pods/one rw - nfs4 10.0.0.5:/k8s/pvc-1 rw
5 1 0:6 / /pods/one-more rw - nfs4 10.0.0.6:/k8s/pvc-1 rw
6 1 0:5 / /pods/two rw - nfs4 10.0.0.5:/k8s/team/two rw
7 1 0:6 / /pods/photos rw - nfs4 10.0.0.6:/k8s/photos rw
8 1 0:9 / /mnt/other rw - nfs4 10.0.0.9:/k8s/pvc-1 rw
9 1 0:6 / /pods/covered rw - nfs4 10.0.0.6:/k8s/photos rw
10 9 0:7 / /pods/covered rw - tmpfs none rw
`);

const places = (volumeId: string) => published.placesOf(volumeId, table).map(({ mountPoint }) => mountPoint);
const isAt = (volumeId: string, path: string) => published.at(volumeId, path, table) !== undefined;

test('a volume is found wherever its directory is mounted, by the old address of its server too', () => {
  assert.deepEqual(places('nas/pvc-1'), ['/pods/one', '/pods/one-more']);
  assert.deepEqual(places('nas/pvc-2'), ['/pods/two']);
  assert.deepEqual(places('photos'), ['/pods/photos']);
  assert.deepEqual(places('nas/pvc-3'), []);
  assert.deepEqual(places('unknown'), []);
});

test('a path has a volume only where its own directory is on top', () => {
  assert.ok(isAt('nas/pvc-1', '/pods/one'));
  assert.ok(isAt('nas/pvc-1', '/pods/./one-more/'));
  assert.ok(isAt('photos', '/pods/photos'));
  for (const path of [
    '/',
    '/pods/two',
    '/mnt/other',
    '/state/node/nas/0123',
    'pods/one',
    '/pods/../pods/one',
  ]) {
    assert.ok(!isAt('nas/pvc-1', path), path);
  }
  assert.ok(!isAt('photos', '/pods/covered'));
  assert.ok(!isAt('nas/pvc-2', '/pods/one'));
  assert.ok(!isAt('nas', '/state/node/nas/0123'));
});
