// The copy engine on real filesystems: with blocks that can be shared (xfs), and without (ext4).
import assert from 'node:assert/strict';
import { closeSync, constants, openSync } from 'node:fs';
import { link, lstat, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { type CopyOptions, runCopy } from '../../../src/host/copy/copier.ts';
import { makeDirAt, openAt } from '../../../src/host/copy/libc.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { makeEverything } from '../../support/make-everything.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const { O_RDONLY, O_DIRECTORY } = constants;

function openDirectory(t: TestContext, path: string): number {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY);
  cleanUp(t, () => closeSync(fd));
  return fd;
}

/** Copies `source` of a directory to `copy` in it. */
function copyIn(t: TestContext, directory: string, kind: 'tree' | 'file' = 'tree', options?: CopyOptions) {
  const dir = openDirectory(t, directory);
  return runCopy({ kind, fromDir: dir, name: 'source', toDir: dir, copy: 'copy' }, options);
}

for (const type of ['xfs', 'ext4'] as const) {
  test(`a tree with every kind of entry is copied exactly on ${type}`, async (t) => {
    const { path } = await loopFilesystem(t, type);
    await makeEverything(await makeSource(path));
    const before = describeTree(join(path, 'source'));
    const counts = await copyIn(t, path);
    assert.deepEqual(describeTree(join(path, 'copy')), before);
    assert.deepEqual(describeTree(join(path, 'source')), before, 'the source is what it was');
    const { blocks } = await lstat(join(path, 'copy/sparse'));
    assert.ok(blocks * 512 < 1 << 20, 'holes stay holes');
    assert.equal(counts.links, 2);
    assert.equal(counts.gone, 0);
    assert.equal(counts.host, 0);
    assert.equal(counts.server > 0, type === 'ext4');
  });
}

async function makeSource(directory: string): Promise<string> {
  const source = join(directory, 'source');
  await mkdir(source);
  return source;
}

test('a path that is longer than any that a call takes is copied', async (t) => {
  const directory = await temporaryDirectory(t);
  cleanUp(t, () => execa`rm -rf ${join(directory, 'source')} ${join(directory, 'copy')}`);
  let above = openDirectory(t, await makeSource(directory));
  const name = Buffer.alloc(200, 'd');
  const depth = 50;
  for (let level = 0; level < depth; level += 1) {
    makeDirAt(above, name, 0o700);
    above = openAt(above, name, O_RDONLY | O_DIRECTORY);
    const opened = above;
    cleanUp(t, () => closeSync(opened));
  }
  closeSync(openAt(above, Buffer.from('deep'), constants.O_CREAT | constants.O_WRONLY, 0o600));
  const counts = await copyIn(t, directory);
  assert.equal(counts.directories, depth);
  const { stdout } = await execa({ cwd: directory })`find copy -name deep -printf %d`;
  assert.equal(stdout, String(depth + 1));
});

test('threads share the files of many directories, and each arrives', async (t) => {
  const { path } = await loopFilesystem(t, 'xfs');
  const source = await makeSource(path);
  for (let folder = 0; folder < 12; folder += 1) {
    await mkdir(join(source, `${folder}`));
    for (let file = 0; file < 100; file += 1) {
      await writeFile(join(source, `${folder}/${file}`), `${folder} ${file}`);
    }
    // Every file of the last ones is one of the first.
    await link(join(source, '0/7'), join(source, `${folder}/linked`));
  }
  const counts = await copyIn(t, path);
  assert.deepEqual(describeTree(join(path, 'copy')), describeTree(source));
  assert.equal(counts.cloned, 1_200);
  assert.equal(counts.links, 12);
});

test('a file is copied with its holes and attributes, by its blocks where they can be shared', async (t) => {
  for (const type of ['xfs', 'ext4'] as const) {
    const { path } = await loopFilesystem(t, type);
    await writeFile(join(path, 'source'), Buffer.alloc(2 << 20, 'data'), { mode: 0o600 });
    await truncate(join(path, 'source'), 64 << 20);
    const counts = await copyIn(t, path, 'file');
    assert.deepEqual(describeTree(join(path, 'copy')), describeTree(join(path, 'source')));
    assert.equal((await lstat(join(path, 'copy'))).blocks <= 4_200, true);
    assert.equal(counts.cloned, type === 'xfs' ? 1 : 0);
  }
});

test('a full filesystem fails the copy with its errno', async (t) => {
  const { path } = await loopFilesystem(t, 'ext4');
  const source = await makeSource(path);
  await writeFile(join(source, 'large'), Buffer.alloc(200 << 20, 'x'));
  await assert.rejects(copyIn(t, path), { code: 'ENOSPC' });
});

test('what is there is not copied over', async (t) => {
  const directory = await temporaryDirectory(t);
  await makeSource(directory);
  await mkdir(join(directory, 'copy'));
  await assert.rejects(copyIn(t, directory), { code: 'EEXIST' });
});

test('what is missing, or a link, is not copied', async (t) => {
  const directory = await temporaryDirectory(t);
  await assert.rejects(copyIn(t, directory), { code: 'ENOENT' });
  await mkdir(join(directory, 'elsewhere'));
  await symlink('elsewhere', join(directory, 'source'));
  for (const kind of ['tree', 'file'] as const) {
    await assert.rejects(copyIn(t, directory, kind), { code: kind === 'tree' ? 'ENOTDIR' : 'ELOOP' });
  }
});

test('a copy that does not go on is ended', async (t) => {
  const filesystem = await loopFilesystem(t, 'xfs');
  await makeSource(filesystem.path);
  await filesystem.freeze();
  await assert.rejects(copyIn(t, filesystem.path, 'tree', { silenceMs: 200 }), { code: 'EIO' });
});

test('a copy is ended by whoever has begun it', async (t) => {
  const filesystem = await loopFilesystem(t, 'xfs');
  await makeSource(filesystem.path);
  await filesystem.freeze();
  const ending = new AbortController();
  const copying = copyIn(t, filesystem.path, 'tree', { signal: ending.signal });
  ending.abort();
  await assert.rejects(copying, /ended/);
});
