import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mount, parseMountinfo } from '../../../../src/host/mountinfo.ts';
import type { PoolView } from '../../../../src/pools/shared-mount.ts';
import { directoryIn, isExactly, isOf } from '../../../../src/volumes/directory/published.ts';

function mount(line: string): Mount {
  const [first] = parseMountinfo(`9 1 ${line}\n`);
  assert.ok(first);
  return first;
}

function view(line: string, root: string, source?: string): PoolView {
  return { path: '/p', mount: mount(line), root, source, table: [] };
}

test('on NFS the source is the proof, since every root is shown as "/"', () => {
  const directory = directoryIn(view('0:5 / /p rw - nfs4 s:/x rw', '/', 's:/x'), 'a/b');
  assert.ok(isExactly(mount('0:5 / /t rw - nfs4 s:/x/a/b rw'), directory));
  assert.ok(!isExactly(mount('0:5 / /t rw - nfs4 s:/x/a/c rw'), directory), 'a symbolic link');
  assert.ok(!isExactly(mount('0:6 / /t rw - nfs4 s:/x/a/b rw'), directory), 'another file system');
  assert.ok(isOf(mount('0:6 / /t rw - nfs4 s:/x/a/b rw'), directory), 'out of an earlier mount of the pool');
});

test("a server's root as pool gives sources with one slash", () => {
  const directory = directoryIn(view('0:5 / /p rw - nfs4 s:/ rw', '/', 's:/'), 'a');
  assert.ok(isExactly(mount('0:5 / /t rw - nfs4 s:/a rw'), directory));
});

test('elsewhere the root is the proof', () => {
  const directory = directoryIn(view('8:1 / / rw - ext4 /dev/sda1 rw', '/srv/pool'), 'a');
  assert.ok(isExactly(mount('8:1 /srv/pool/a /t rw - ext4 /dev/sda1 rw'), directory));
  assert.ok(!isExactly(mount('8:1 /etc /t rw - ext4 /dev/sda1 rw'), directory));
  assert.ok(!isExactly(mount('8:1 /srv/pool/a//deleted /t rw - ext4 /dev/sda1 rw'), directory));
  assert.ok(!isOf(mount('8:2 /srv/pool/a /t rw - ext4 /dev/sda1 rw'), directory));
});
