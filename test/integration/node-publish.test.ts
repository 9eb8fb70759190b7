import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { BindAsides } from '../../src/volumes/directory/bind-asides.ts';
import { waitFor } from '../vm/guest/wait-for.ts';
import { capability, exists, makeNode, refused } from './node-fixture.ts';

test('a volume appears at its target and goes again, each call twice', async (t) => {
  const { node, volume, publication, at, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a');
  const stage = { ...request };
  for (let i = 0; i < 2; i += 1) await node.NodeStageVolume(stage);
  for (let i = 0; i < 2; i += 1) await node.NodePublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 1);
  writeFileSync(join(request.target_path, 'file'), 'hello');
  assert.equal(readFileSync(at('pool/data/file'), 'utf8'), 'hello');
  for (let i = 0; i < 2; i += 1) {
    await node.NodeUnpublishVolume(request);
    assert.equal(exists(request.target_path), false);
  }
  for (let i = 0; i < 2; i += 1) await node.NodeUnstageVolume(request);
  assert.equal(mountsAt(request.target_path).length, 0);
  assert.equal(readFileSync(at('pool/data/file'), 'utf8'), 'hello');
});

test('a driver that was restarted takes its volumes as they are', async (t) => {
  const { node, start, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a', {
    volume_capability: capability('SINGLE_NODE_SINGLE_WRITER'),
  });
  await node.NodePublishVolume(request);
  const again = start();
  await again.NodePublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 1);
  await refused(
    again.NodePublishVolume({ ...request, target_path: `${request.target_path}2` }),
    status.FAILED_PRECONDITION,
  );
  const third = start();
  await third.NodeUnpublishVolume(request);
  await third.NodeUnstageVolume(request);
  assert.equal(exists(request.target_path), false);
});

test('after a reboot the empty target directory is used again', async (t) => {
  const { node, start, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a');
  await node.NodePublishVolume(request);
  execFileSync('umount', [request.target_path]);
  const after = start();
  await after.NodePublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 1);
  await after.NodeUnpublishVolume(request);
});

test('the kernel refuses writes to a read-only volume, whoever asked for it', async (t) => {
  const { node, volume, publication } = makeNode(t);
  const subDir = volume('data');
  const ways = {
    readonly: { readonly: true },
    mode: { volume_capability: capability('MULTI_NODE_READER_ONLY') },
    context: { publish_context: { readonly: 'true' } },
    flag: { volume_capability: capability('MULTI_NODE_MULTI_WRITER', ['ro']) },
  };
  for (const [name, way] of Object.entries(ways)) {
    const request = publication(subDir, name, way);
    await node.NodePublishVolume(request);
    await node.NodePublishVolume(request);
    assert.throws(() => writeFileSync(join(request.target_path, 'x'), ''), { code: 'EROFS' });
    await node.NodeUnpublishVolume(request);
  }
});

test('a volume has the mount flags it asks for', async (t) => {
  const { node, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a', {
    volume_capability: capability('SINGLE_NODE_MULTI_WRITER', ['noexec', 'nosuid']),
  });
  await node.NodeStageVolume(request);
  await node.NodePublishVolume(request);
  assert.match(mountsAt(request.target_path)[0]?.options ?? '', /^rw,nosuid,noexec/);
  await node.NodeUnpublishVolume(request);
});

test('the same target with other arguments already exists', async (t) => {
  const { node, start, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a');
  const other = publication(volume('other'), 'a');
  await node.NodePublishVolume(request);
  for (const driver of [node, start()]) {
    await refused(
      driver.NodePublishVolume({ ...request, readonly: true }),
      status.ALREADY_EXISTS,
      /other arguments/,
    );
    await refused(driver.NodePublishVolume(other), status.ALREADY_EXISTS, /something else/);
  }
  assert.equal(mountsAt(request.target_path).length, 1);
  await node.NodeUnpublishVolume(request);
});

test('a second target is for shared access modes only', async (t) => {
  const { node, volume, publication, mounts } = makeNode(t);
  const subDir = volume('data');
  const single = { volume_capability: capability('SINGLE_NODE_SINGLE_WRITER') };
  await node.NodePublishVolume(publication(subDir, 'a', single));
  await refused(
    node.NodePublishVolume(publication(subDir, 'b', single)),
    status.FAILED_PRECONDITION,
    /another path/,
  );
  assert.equal(exists(publication(subDir, 'b').target_path), false);
  await node.NodeUnpublishVolume(publication(subDir, 'a'));
  await node.NodePublishVolume(publication(subDir, 'b', single));
  await node.NodeUnpublishVolume(publication(subDir, 'b'));

  await Promise.all(['c', 'd', 'e'].map((target) => node.NodePublishVolume(publication(subDir, target))));
  assert.equal(mounts().length, 3);
  for (const target of ['c', 'd', 'e']) await node.NodeUnpublishVolume(publication(subDir, target));
});

test('of parallel publishes of a single-writer volume one wins', async (t) => {
  const { node, volume, publication, mounts } = makeNode(t);
  const subDir = volume('data');
  const targets = ['a', 'b', 'c', 'd'];
  const results = await Promise.allSettled(
    targets.map((target) =>
      node.NodePublishVolume(
        publication(subDir, target, { volume_capability: capability('SINGLE_NODE_SINGLE_WRITER') }),
      ),
    ),
  );
  assert.equal(results.filter(({ status: end }) => end === 'fulfilled').length, 1);
  assert.equal(mounts().length, 1);
  for (const target of targets) await node.NodeUnpublishVolume(publication(subDir, target));
});

test('parallel publishes at one target never stack', async (t) => {
  const { node, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a');
  await Promise.all([1, 2, 3, 4].map(() => node.NodePublishVolume(request)));
  assert.equal(mountsAt(request.target_path).length, 1);
  await Promise.all([1, 2, 3].map(() => node.NodeUnpublishVolume(request)));
  assert.equal(exists(request.target_path), false);
});

test('mounts that somebody stacked on a target all go', async (t) => {
  const { node, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a');
  await node.NodePublishVolume(request);
  for (let i = 0; i < 3; i += 1) execFileSync('mount', ['--bind', '/tmp', request.target_path]);
  await node.NodeUnpublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 0);
});

test('a target in use by a process goes all the same', async (t) => {
  const { node, volume, publication, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a');
  await node.NodePublishVolume(request);
  const before = process.cwd();
  process.chdir(request.target_path);
  try {
    await node.NodeUnpublishVolume(request);
  } finally {
    process.chdir(before);
  }
  assert.equal(mountsAt(request.target_path).length, 0);
});

test('foreign content at a target is neither covered nor removed', async (t) => {
  const { node, volume, publication } = makeNode(t);
  const request = publication(volume('data'), 'a');
  mkdirSync(request.target_path);
  writeFileSync(join(request.target_path, 'mine'), '');
  await refused(node.NodePublishVolume(request), status.FAILED_PRECONDITION, /holds files/);
  await refused(node.NodeUnpublishVolume(request), status.FAILED_PRECONDITION, /holds files/);
  assert.deepEqual(readdirSync(request.target_path), ['mine']);
  const file = { ...request, target_path: join(request.target_path, 'mine') };
  await refused(node.NodePublishVolume(file), status.FAILED_PRECONDITION, /something else than a directory/);
});

test('a symbolic link on the pool is never followed', async (t) => {
  const { node, volume, publication, at, mounts } = makeNode(t);
  volume('real/inside');
  symlinkSync('/etc', at('pool/out'));
  symlinkSync('real', at('pool/in'));
  for (const subDir of ['out', 'in', 'in/inside', 'out/ssl']) {
    const request = publication(subDir, 'a');
    await refused(node.NodePublishVolume(request), status.FAILED_PRECONDITION, /symbolic link/);
    assert.equal(exists(request.target_path), false);
  }
  assert.deepEqual(mounts(), []);
});

test('another file system inside the pool is not the pool', async (t) => {
  const { node, volume, publication, at } = makeNode(t);
  volume('mnt');
  execFileSync('mount', ['-t', 'tmpfs', 'none', at('pool/mnt')]);
  mkdirSync(at('pool/mnt/x'));
  await refused(
    node.NodePublishVolume(publication('mnt/x', 'a')),
    status.FAILED_PRECONDITION,
    /another file system/,
  );
  execFileSync('umount', [at('pool/mnt')]);
});

test('a missing directory is not found, and a file is no directory', async (t) => {
  const { node, publication, at } = makeNode(t);
  const request = publication('nonesuch', 'a');
  await refused(node.NodePublishVolume(request), status.NOT_FOUND, /does not exist/);
  assert.equal(exists(request.target_path), false);
  writeFileSync(at('pool/file'), '');
  await refused(node.NodePublishVolume(publication('file', 'a')), status.FAILED_PRECONDITION, /no directory/);
});

test('names with spaces, newlines, backslashes and Unicode work', async (t) => {
  const { node, volume, publication, mountsAt } = makeNode(t);
  const subDir = volume('a b/ü\\040 #1');
  const request = publication(subDir, 'pod with\nnewline\tand \\ and 日本');
  for (let i = 0; i < 2; i += 1) await node.NodePublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 1);
  await node.NodeGetVolumeStats({
    volume_id: request.volume_id,
    volume_path: request.target_path,
    staging_target_path: '',
  });
  for (let i = 0; i < 2; i += 1) await node.NodeUnpublishVolume(request);
  assert.equal(exists(request.target_path), false);
});

test('a target below a symbolic link is found in the mount table', async (t) => {
  const { node, volume, publication, at, mounts } = makeNode(t);
  symlinkSync(at('pods'), at('link'));
  const request = publication(volume('data'), 'a', { target_path: at('link/a') });
  for (let i = 0; i < 2; i += 1) await node.NodePublishVolume(request);
  assert.equal(mounts().length, 1);
  for (let i = 0; i < 2; i += 1) await node.NodeUnpublishVolume(request);
  assert.equal(mounts().length, 0);
});

test('what a read-only publish that was killed has left is in nobody’s way', async (t) => {
  const { node, start, volume, publication, at, mounts, mountsAt } = makeNode(t);
  const mode = { volume_capability: capability('SINGLE_NODE_SINGLE_WRITER') };
  const request = publication(volume('data'), 'a', { readonly: true, ...mode });
  await node.NodePublishVolume(request);
  // As between the bind to the target and the end of what it was bound from, for this target and another one.
  const asides = new BindAsides(at('state/node/.aside'));
  for (const target of [request.target_path, at('pods/other')]) {
    execFileSync('mount', ['--bind', at('pool/data'), await asides.make(target)]);
  }
  await node.NodeUnpublishVolume(request);
  const next = start();
  await waitFor('the next process has taken it down', () => mounts().length === 0);
  await next.NodePublishVolume(request);
  assert.deepEqual(mounts(), mountsAt(request.target_path));
  assert.match(mountsAt(request.target_path)[0]?.options ?? '', /^ro/);
  await node.NodeUnpublishVolume(request);
});

test('a publish that the state directory does not take leaves nothing at its target', async (t) => {
  const { node, volume, publication, at, mountsAt } = makeNode(t);
  const request = publication(volume('data'), 'a', { readonly: true });
  writeFileSync(at('state'), '');
  await refused(node.NodePublishVolume(request), status.INTERNAL, /state directory/);
  assert.equal(exists(request.target_path), false);
  rmSync(at('state'));
  await node.NodePublishVolume(request);
  assert.equal(mountsAt(request.target_path).length, 1);
  await node.NodeUnpublishVolume(request);
});
