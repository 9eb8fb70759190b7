import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Tree } from '../../../src/pools/tree.ts';
import { deleteDirectory, deleteVolume } from '../../../src/volumes/directory/delete-directory.ts';
import { createDirectory } from '../../../src/volumes/directory/directory.ts';
import { sweepClaims } from '../../../src/volumes/removal/sweep-claims.ts';
import { sweepDeletions } from '../../../src/volumes/removal/sweep-deletions.ts';
import { emptyTrash } from '../../../src/volumes/removal/trash.ts';
import { forgetAside } from '../../../src/volumes/state/aside.ts';
import { type AttachResult, attach, detach } from '../../../src/volumes/state/attach.ts';
import { attachedNodes } from '../../../src/volumes/state/attachments.ts';
import type { OnDelete, VolumeRecord } from '../../../src/volumes/state/record.ts';
import { readRecord, updateRecord } from '../../../src/volumes/state/records.ts';
import type { State } from '../../../src/volumes/state/state.ts';
import { killEverywhere, type Work } from '../../support/kill-everywhere.ts';
import { volumeRecord } from '../../support/volume-record.ts';

const record = (overrides: Partial<VolumeRecord> = {}) => volumeRecord({ name: 'pvc-1', ...overrides });

/** All that a pool holds, by folder. */
async function contents(directory: string): Promise<Record<string, string[]>> {
  const state = join(directory, '.berth');
  const names = (path: string) => readdir(path).then((found) => found.sort());
  return {
    root: (await names(directory)).filter((name) => name !== '.berth'),
    volumes: await names(join(state, 'volumes')),
    paths: await names(join(state, 'paths')),
    trash: await names(join(state, 'trash')),
    archive: await names(join(state, 'archive')),
  };
}

/** Without what was being made aside: a sweep leaves that to whoever may still be at work on it, for ten minutes. */
const settled = (names: readonly string[] = []) => names.filter((name) => !name.startsWith('tmp-'));

const nobodyWaits = async () => {};
const nothingToCancel = async () => {};

const ctime = (path: string): bigint => lstatSync(path, { bigint: true }).ctimeNs;

for (const overrides of [
  {},
  { subDir: 'team/a', mode: 0o2750, uid: 1000, gid: 1000 },
  { mode: 0o700, image: { fsType: 'ext4' } },
  { subDir: 'team/a', mode: 0o700, image: { thick: true } },
] satisfies Partial<VolumeRecord>[]) {
  test(`a killed CreateVolume is finished by its retry: ${JSON.stringify(overrides)}`, async (t) => {
    const wanted = record(overrides);
    await killEverywhere(
      t,
      async () => {},
      (state, tree) => createDirectory(state, tree, 'pvc-1', wanted),
      async (state, tree, directory) => {
        const retried = await createDirectory(state, tree, 'pvc-1', { ...wanted, id: 'BBBBBBBB' });
        assert.equal(retried.subDir, wanted.subDir);
        const stats = await lstat(join(directory, wanted.subDir));
        assert.equal(stats.mode & 0o7777, wanted.mode);
        assert.equal(stats.uid, wanted.uid ?? 0);
        const names = await readdir(join(directory, wanted.subDir));
        assert.deepEqual(names, wanted.image === undefined ? [] : ['disk.img']);
        if (wanted.image !== undefined) {
          const { size, blocks } = await lstat(join(directory, wanted.subDir, 'disk.img'));
          assert.deepEqual([size, blocks > 0], [1024, wanted.image.thick === true]);
        }
        const found = await contents(directory);
        assert.deepEqual(found.volumes, ['pvc-1']);
        assert.deepEqual(settled(found.trash), []);
        await deleteWholly(state, tree);
        await emptyTrash(state, tree, nobodyWaits);
        const all = await contents(directory);
        const left = {
          ...all,
          root: all.root ?? [],
          trash: wanted.image === undefined ? all.trash : settled(all.trash),
        };
        assert.deepEqual({ ...left, root: [] }, { root: [], volumes: [], paths: [], trash: [], archive: [] });
        assert.deepEqual(left.root, wanted.subDir.includes('/') ? ['team'] : []);
      },
    );
  });
}

/** As the controller deletes: what is left to do at leisure included. */
async function deleteWholly(state: State, tree: Tree): Promise<void> {
  const deletion = await deleteVolume(state, tree, 'pvc-1', nothingToCancel);
  if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
}

/** A deletion that was begun is left to the sweep; one that was not is repeated. */
async function deleteUnlessBegun(state: State, tree: Tree): Promise<void> {
  assert.deepEqual(await sweepDeletions(state, tree, -1000), []);
  if ((await readRecord(state, tree, 'pvc-1')) !== undefined) await deleteWholly(state, tree);
}

const deletions = (['delete', 'archive', 'retain'] satisfies OnDelete[]).flatMap((onDelete) =>
  (['its retry', 'a sweep'] as const).map((ending) => ({ onDelete, ending })),
);
for (const { onDelete, ending } of deletions) {
  test(`a killed DeleteVolume with onDelete ${onDelete} is finished by ${ending}, and no data is lost`, async (t) => {
    const wanted = record({ onDelete, askedOnDelete: onDelete, subDir: 'team/a' });
    await killEverywhere(
      t,
      async (state, tree, directory) => {
        await createDirectory(state, tree, 'pvc-1', wanted);
        await writeFile(join(directory, 'team/a/data'), 'precious');
      },
      deleteWholly,
      async (state, tree, directory) => {
        if (ending === 'its retry') await deleteWholly(state, tree);
        else await deleteUnlessBegun(state, tree);
        await deleteWholly(state, tree);
        assert.equal(await readRecord(state, tree, 'pvc-1'), undefined);
        const found = await contents(directory);
        assert.deepEqual(found.paths, []);
        assert.deepEqual(found.volumes, []);
        if (onDelete === 'retain') {
          assert.deepEqual(await readdir(join(directory, 'team/a')), ['data']);
        } else {
          assert.deepEqual(await readdir(join(directory, 'team')), []);
        }
        if (onDelete === 'archive') {
          const [entry] = (found.archive ?? []).filter((name) => !name.endsWith('.record'));
          assert.deepEqual(await readdir(join(directory, '.berth/archive', entry ?? '')), ['data']);
          assert.deepEqual(found.archive, [entry, `${entry}.record`]);
        } else {
          assert.deepEqual(found.archive, []);
        }
        await emptyTrash(state, tree, nobodyWaits);
        assert.deepEqual((await contents(directory)).trash, []);
      },
    );
  });
}

test('what a CreateVolume leaves that is killed and never repeated goes with a DeleteVolume', async (t) => {
  await killEverywhere(
    t,
    async () => {},
    (state, tree) => createDirectory(state, tree, 'pvc-1', record()),
    async (state, tree, directory) => {
      await deleteWholly(state, tree);
      await emptyTrash(state, tree, nobodyWaits);
      const { root, volumes, trash } = await contents(directory);
      assert.deepEqual({ root, volumes, trash }, { root: [], volumes: [], trash: [] });
    },
  );
});

test('a deletion that was cut off does not take what was made in the place of its directory', async (t) => {
  for (const onDelete of ['delete', 'archive'] satisfies OnDelete[]) {
    await killEverywhere(
      t,
      async (state, tree, directory) => {
        await createDirectory(state, tree, 'pvc-1', record({ onDelete }));
        await writeFile(join(directory, 'pvc-1/data'), 'x');
      },
      (state, tree) => deleteDirectory(state, tree, 'pvc-1'),
      async (state, tree, directory) => {
        const path = join(directory, 'pvc-1');
        const before = lstatSync(path, { throwIfNoEntry: false });
        if (before !== undefined) return;
        const [aside] = (await contents(directory)).volumes ?? [];
        await mkdir(path);
        await writeFile(join(path, 'precious'), 'x');
        // The file system's clock ticks every few milliseconds only; people are slower.
        const link = join(directory, '.berth/volumes', aside ?? '');
        for (let more = 0; aside !== undefined && ctime(path) <= ctime(link) && more < 1000; more += 1) {
          await writeFile(join(path, `precious-${more}`), 'x');
        }
        const kept = await readdir(path);
        const again = deleteDirectory(state, tree, 'pvc-1');
        if (aside !== undefined) await assert.rejects(again, { reason: 'directory-changed' });
        else assert.equal((await again).kind, 'absent');
        assert.deepEqual(await readdir(path), kept);
      },
    );
  }
});

test('a killed expansion is finished by its retry', async (t) => {
  const grow: Work = (state, tree) =>
    updateRecord(state, tree, 'pvc-1', (current) =>
      current.capacity >= 4096n ? current : { ...current, capacity: 4096n },
    );
  await killEverywhere(
    t,
    (state, tree) => createDirectory(state, tree, 'pvc-1', record()),
    grow,
    async (state, tree, directory) => {
      const before = await readRecord(state, tree, 'pvc-1');
      assert.ok(before?.capacity === 1024n || before?.capacity === 4096n);
      await grow(state, tree);
      assert.equal((await readRecord(state, tree, 'pvc-1'))?.capacity, 4096n);
      assert.deepEqual((await contents(directory)).volumes, ['pvc-1']);
    },
  );
});

test('a claim that a killed expansion left behind goes when its volume has gone', async (t) => {
  await killEverywhere(
    t,
    (state, tree) => createDirectory(state, tree, 'pvc-1', record()),
    (state, tree) =>
      updateRecord(state, tree, 'pvc-1', (current) => ({ ...current, capacity: current.capacity + 1n })),
    async (state, tree, directory) => {
      await sweepClaims(state, tree, -1000);
      assert.ok(await readRecord(state, tree, 'pvc-1'));
      await deleteWholly(state, tree);
      await sweepClaims(state, tree, -1000);
      assert.deepEqual((await contents(directory)).volumes, []);
    },
  );
});

for (const multiNode of [false, true]) {
  test(`a killed attach ${multiNode ? 'to many nodes' : 'to one node'} is finished by its retry or undone by a detach`, async (t) => {
    const to =
      (nodeId: string): Work =>
      (state, tree) =>
        attach(state, tree, 'pvc-1', { nodeId, readOnly: false }, multiNode);
    await killEverywhere(
      t,
      async () => {},
      to('a'),
      async (state, tree, directory) => {
        assert.equal(((await to('a')(state, tree)) as AttachResult).kind, 'attached');
        assert.deepEqual(await attachedNodes(state, tree, 'pvc-1'), ['a']);
        await detach(state, tree, 'pvc-1', 'a');
        assert.equal(((await to('b')(state, tree)) as AttachResult).kind, 'attached');
        await detach(state, tree, 'pvc-1', 'b');
        assert.deepEqual((await contents(directory)).volumes, []);
      },
    );
  });
}

test('a killed detach is finished by its retry', async (t) => {
  await killEverywhere(
    t,
    (state, tree) => attach(state, tree, 'pvc-1', { nodeId: 'a', readOnly: false }, false),
    (state, tree) => detach(state, tree, 'pvc-1', 'a'),
    async (state, tree) => {
      await detach(state, tree, 'pvc-1', 'a');
      assert.deepEqual(await attachedNodes(state, tree, 'pvc-1'), []);
      const moved = await attach(state, tree, 'pvc-1', { nodeId: 'b', readOnly: false }, false);
      assert.equal(moved.kind, 'attached');
    },
  );
});

test('emptying the trash that was killed goes on where it was', async (t) => {
  await killEverywhere(
    t,
    async (state, tree, directory) => {
      await createDirectory(state, tree, 'pvc-1', record());
      await mkdir(join(directory, 'pvc-1/a/b'), { recursive: true });
      await writeFile(join(directory, 'pvc-1/a/b/file'), 'x');
      await writeFile(join(directory, 'pvc-1/file'), 'x');
      await deleteDirectory(state, tree, 'pvc-1');
    },
    (state, tree) => emptyTrash(state, tree, nobodyWaits),
    async (state, tree, directory) => {
      await emptyTrash(state, tree, nobodyWaits);
      assert.deepEqual((await contents(directory)).trash, []);
    },
  );
});
