import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Tree } from '../../../src/pools/tree.ts';
import { deleteDirectory } from '../../../src/volumes/directory/delete-directory.ts';
import { createDirectory } from '../../../src/volumes/directory/directory.ts';
import { sweepArchive } from '../../../src/volumes/removal/sweep-archive.ts';
import { forgetAside } from '../../../src/volumes/state/aside.ts';
import type { VolumeRecord } from '../../../src/volumes/state/record.ts';
import type { State } from '../../../src/volumes/state/state.ts';
import { killEverywhere } from '../../support/kill-everywhere.ts';
import { openTree, temporaryDirectory } from '../../support/tree.ts';
import { volumeRecord } from '../../support/volume-record.ts';

const ttl = 3_600;
/** Milliseconds from now; a little more than the time itself, which a file system may round. */
const later = (seconds: number) => Date.now() + seconds * 1_000 + 2_000;

/** Archives a volume with a file in it. */
async function archived(
  state: State,
  tree: Tree,
  directory: string,
  overrides: Partial<VolumeRecord> = { archiveTtl: ttl },
): Promise<void> {
  const record = volumeRecord({ name: 'pvc-1', onDelete: 'archive', askedOnDelete: 'archive', ...overrides });
  await createDirectory(state, tree, 'pvc-1', record);
  await writeFile(join(directory, record.subDir, 'page'), 'written');
  const deletion = await deleteDirectory(state, tree, 'pvc-1');
  assert.equal(deletion.kind, 'gone');
  if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
}

const archive = (directory: string) => join(directory, '.berth/archive');
const trash = (directory: string) => join(directory, '.berth/trash');

/** The archived directory, and its record beside it. */
async function entryOf(directory: string): Promise<string> {
  const [entry = '', record, ...more] = (await readdir(archive(directory))).sort();
  assert.deepEqual([record, more], [`${entry}.record`, []]);
  return entry;
}

test('an archived volume is kept until its time is over, and then in the trash', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await archived(state, tree, directory);
  const entry = await entryOf(directory);
  assert.deepEqual(await sweepArchive(state, tree), { expired: [], stuck: [] });
  assert.deepEqual(await sweepArchive(state, tree, later(ttl - 60)), { expired: [], stuck: [] });
  assert.equal(await readFile(join(archive(directory), entry, 'page'), 'utf8'), 'written');
  const { expired } = await sweepArchive(state, tree, later(ttl));
  assert.deepEqual(expired, [{ entry, volume: 'pvc-1' }]);
  assert.deepEqual(await readdir(archive(directory)), []);
  assert.deepEqual(await readdir(trash(directory)), [entry]);
});

test('an archived volume without a time is kept', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await archived(state, tree, directory, {});
  const entry = await entryOf(directory);
  assert.deepEqual(await sweepArchive(state, tree, later(100 * 365 * 86_400)), { expired: [], stuck: [] });
  assert.equal(await entryOf(directory), entry);
});

test('what is in the archive without a record of its own is kept', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await archived(state, tree, directory);
  const entry = await entryOf(directory);
  const folder = archive(directory);
  const others = [
    'pvc-2-20250101T000000Z-AAAAAAAB',
    'pvc-3-20250101T000000Z-AAAAAAAC',
    'pvc-4-20250101T000000Z-AAAAAAAD',
    'backup',
  ];
  for (const other of others) await mkdir(join(folder, other));
  // Another volume's record, one that nobody can read, a file, and a name that says no time.
  const text = JSON.stringify({
    v: 1,
    id: 'AAAAAAAA',
    rev: 0,
    name: 'a',
    dir: 'a',
    size: '0',
    onDelete: 'archive',
    ttl: 1,
    mode: '777',
  });
  await symlink(text, join(folder, `${others[0]}.record`));
  await symlink('?', join(folder, `${others[1]}.record`));
  await writeFile(join(folder, `${others[2]}.record`), text);
  await symlink(text, join(folder, `${others[3]}.record`));
  const { expired, stuck } = await sweepArchive(state, tree, later(ttl));
  assert.deepEqual([expired, stuck], [[{ entry, volume: 'pvc-1' }], []]);
  assert.deepEqual(
    (await readdir(folder)).sort(),
    others.flatMap((other) => [other, `${other}.record`]).sort(),
  );
});

test('of an archived volume that was taken out only the record goes', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await archived(state, tree, directory);
  const entry = await entryOf(directory);
  await rename(join(archive(directory), entry), join(directory, 'restored'));
  assert.deepEqual(await sweepArchive(state, tree, later(ttl)), { expired: [], stuck: [] });
  assert.deepEqual([await readdir(archive(directory)), await readdir(trash(directory))], [[], []]);
  assert.equal(await readFile(join(directory, 'restored/page'), 'utf8'), 'written');
});

test('two controllers remove what has expired once', async (t) => {
  const directory = await temporaryDirectory(t);
  const [one, two] = [await openTree(t, directory), await openTree(t, directory)];
  await archived(one.state, one.tree, directory);
  const entry = await entryOf(directory);
  const now = later(ttl);
  const found = await Promise.all([one, two].map(({ state, tree }) => sweepArchive(state, tree, now)));
  assert.deepEqual(
    found.flatMap(({ expired }) => expired.map((each) => each.entry)),
    [entry],
  );
  assert.deepEqual([await readdir(archive(directory)), await readdir(trash(directory))], [[], [entry]]);
});

test('a sweep of the archive that is killed is ended by the next one', async (t) => {
  // Far enough for what is archived while the test goes on.
  const now = later(2 * ttl);
  await killEverywhere(
    t,
    (state, tree, directory) => archived(state, tree, directory),
    (state, tree) => sweepArchive(state, tree, now),
    async (state, tree, directory) => {
      const [left] = (await readdir(archive(directory))).filter((name) => !name.endsWith('.record'));
      const [moved] = await readdir(trash(directory));
      assert.equal((left === undefined) !== (moved === undefined), true);
      await sweepArchive(state, tree, now);
      assert.deepEqual(await readdir(archive(directory)), []);
      const [entry = ''] = await readdir(trash(directory));
      assert.equal(await readFile(join(trash(directory), entry, 'page'), 'utf8'), 'written');
    },
  );
});
