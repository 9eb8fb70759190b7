import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hasOption,
  isNfs,
  isRemote,
  mountHolding,
  mountsBelow,
  parseMountinfo,
  sharedMounts,
  topmostAt,
} from '../../../src/host/mountinfo.ts';

const table = `22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /var/lib/berth/node/nas/1 rw,nosuid shared:7 master:3 propagate_from:2 - nfs4 10.0.0.5:/export/k8s rw,vers=4.2
31 22 0:30 /pvc-1 /pods/a/mount rw,relatime - nfs4 10.0.0.5:/export/k8s/pvc-1 rw,vers=4.2
32 31 0:30 /pvc-2 /pods/a/mount ro,relatime - nfs4 10.0.0.5:/export/k8s/pvc-2 rw,vers=4.2
33 22 0:30 /gone//deleted /pods/b\\040c\\011d\\012e\\134f rw - nfs4 10.0.0.5:/export/k8s/gone rw
34 22 0:31 / /pods/ünïcode rw - fuse.x  rw
`;

test('a line is read with any number of optional fields', () => {
  const mounts = parseMountinfo(table);
  assert.equal(mounts.length, 6);
  assert.deepEqual(mounts[1], {
    id: 30,
    parentId: 22,
    device: '0:30',
    root: '/',
    deleted: false,
    mountPoint: '/var/lib/berth/node/nas/1',
    options: 'rw,nosuid',
    fsType: 'nfs4',
    source: '10.0.0.5:/export/k8s',
    superOptions: 'rw,vers=4.2',
  });
  assert.equal(mounts[5]?.mountPoint, '/pods/ünïcode');
  assert.equal(mounts[5]?.source, '');
});

test('octal escapes and the mark of a deleted directory are decoded', () => {
  const mount = parseMountinfo(table)[4];
  assert.equal(mount?.mountPoint, '/pods/b c\td\ne\\f');
  assert.equal(mount?.root, '/gone');
  assert.equal(mount?.deleted, true);
});

test('of stacked mounts the last one is what a path shows', () => {
  const mount = topmostAt(parseMountinfo(table), '/pods/a/mount');
  assert.equal(mount?.root, '/pvc-2');
  assert.ok(mount && hasOption(mount, 'ro') && isNfs(mount));
  assert.equal(topmostAt(parseMountinfo(table), '/pods/a'), undefined);
});

test('the mount that holds a path is the deepest one, by whole names', () => {
  const mounts = parseMountinfo(table);
  assert.equal(mountHolding(mounts, '/pods/a/mount/x')?.root, '/pvc-2');
  assert.equal(mountHolding(mounts, '/pods/a/mountain')?.mountPoint, '/');
});

test('mounts below a directory leave out the directory itself', () => {
  const mounts = parseMountinfo(table);
  assert.equal(mountsBelow('/pods/a', mounts).length, 2);
  assert.equal(mountsBelow('/pods/a/mount', mounts).length, 0);
  assert.equal(mountsBelow('/', mounts).length, 5);
});

test('lines that are not complete are passed over', () => {
  assert.deepEqual(parseMountinfo('22 1 0:21 / /\n\nrubbish\n'), []);
});

test('a mount is shared where its line says so, whatever else stands there', () => {
  const table = [
    '21 1 254:1 / / rw,relatime - ext4 /dev/vda rw',
    '22 21 254:1 /kubelet /var/lib/kubelet rw shared:7 - ext4 /dev/vda rw',
    '23 21 254:1 /csi /csi rw master:7 - ext4 /dev/vda rw',
    '24 21 254:1 /both /both rw shared:9 master:7 propagate_from:2 - ext4 shared:1 rw',
  ].join('\n');
  assert.deepEqual([...sharedMounts(`${table}\n`)], [22, 24]);
});

test('file systems that wait for somebody else are known by their type', () => {
  const [root, nfs, , , , fuse] = parseMountinfo(table);
  assert.ok(root && nfs && fuse);
  assert.deepEqual([isRemote(root), isRemote(nfs), isRemote(fuse)], [false, true, true]);
  for (const fsType of ['xfs', 'btrfs', 'tmpfs', 'fusectl'])
    assert.equal(isRemote({ ...root, fsType }), false);
});
