// What a controller that is killed in the middle of a copy leaves, and who may take it over.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { CsiError } from '../../../src/errors/csi-error.ts';
import type { Tree } from '../../../src/pools/tree.ts';
import { Copies, type CopyWork } from '../../../src/volumes/copies/copies.ts';
import { volumeJob, volumeWork } from '../../../src/volumes/copies/make-volume.ts';
import { SilenceWatch } from '../../../src/volumes/copies/silence-watch.ts';
import { deleteDirectory, deleteVolume } from '../../../src/volumes/directory/delete-directory.ts';
import { createDirectory } from '../../../src/volumes/directory/directory.ts';
import { sweepCopies } from '../../../src/volumes/removal/sweep-copies.ts';
import { emptyTrash } from '../../../src/volumes/removal/trash.ts';
import type { SnapshotRecord } from '../../../src/volumes/snapshots/snapshot-record.ts';
import { readSnapshot, removeSnapshot } from '../../../src/volumes/snapshots/snapshot-records.ts';
import { snapshotJob, snapshotWork } from '../../../src/volumes/snapshots/take-snapshot.ts';
import type { VolumeRecord } from '../../../src/volumes/state/record.ts';
import { readRecord } from '../../../src/volumes/state/records.ts';
import type { State } from '../../../src/volumes/state/state.ts';
import { killEverywhere } from '../../support/kill-everywhere.ts';
import { openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';
import { because, volumeRecord } from '../../support/volume-record.ts';

const log = pino({ level: 'silent' });
/** Longer than any of these copies takes. Milliseconds. */
const patience = 60_000;
const noPause = async () => {};

/** A controller's copies, on a tree; it takes whoever has a lock for gone, unless it is told to wait. */
function copiesOn(state: State, tree: Tree, silenceMs = 0): Copies {
  const quick = withQuickCopies(tree);
  const pool = {
    name: 'scratch',
    use: <T>(work: (state: State, tree: Tree) => Promise<T>) => work(state, quick),
  };
  return new Copies({ pool, log, onTrash: () => {}, silence: new SilenceWatch(silenceMs) });
}

/** A process for each of a thousand copies takes minutes; what it does is tested in host/copy.test.ts. */
function withQuickCopies(tree: Tree, whileCopying: () => Promise<void> = noPause): Tree {
  const copy: Tree['copy'] = async (_, from, to) => {
    await tree.lstat(from.dir, from.name);
    cpSync(String(from.dir.at(from.name)), String(to.dir.at(to.name)), { recursive: true });
    await whileCopying();
    await tree.lstat(to.dir, to.name);
    return { bytes: 0, directories: 0, special: 0, links: 0, gone: 0, cloned: 1, server: 0, host: 0 };
  };
  return new Proxy(tree, {
    get(target, name) {
      const member: unknown = name === 'copy' ? copy : Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

const source = volumeRecord({ name: 'pvc-1' });
const imageSource = volumeRecord({ name: 'pvc-1', mode: 0o700, capacity: 8192n, image: {} });

async function makeSource(state: State, tree: Tree, directory: string, record: VolumeRecord): Promise<void> {
  await createDirectory(state, tree, 'pvc-1', record);
  const file = join(directory, record.image === undefined ? 'pvc-1/file' : 'pvc-1/disk.img');
  await writeFile(file, 'content', { flag: 'a' });
}

const snapshotOf = (record: VolumeRecord): CopyWork<SnapshotRecord> =>
  snapshotWork({ key: 'snap', name: 'snap', created: 1, volume: { key: 'pvc-1', record } });

/** To its end: what comes after the copy is in its place fails silently. */
function toTheEnd(run: (copies: Copies) => Promise<unknown>) {
  return async (state: State, tree: Tree) => {
    await run(copiesOn(state, tree));
    await tree.lstat(state.root, '.');
  };
}

const takeSnapshot = (record: VolumeRecord) =>
  toTheEnd((copies) => copies.run(snapshotJob('snap'), snapshotOf(record), patience));

/** What is beside the volumes, by folder. */
async function beside(directory: string): Promise<Record<string, string[]>> {
  const of = (folder: string) => readdir(join(directory, '.berth', folder));
  return { copies: await of('copies'), snapshots: await of('snapshots'), trash: await of('trash') };
}

/** As the janitor does; what others may be at work on is old enough here. */
async function sweep(state: State, tree: Tree): Promise<void> {
  const silence = new SilenceWatch(0);
  // A lock that is cancelled in one sweep goes in the next.
  for (const _ of ['once', 'twice']) await sweepCopies(state, tree, silence, 0);
  await emptyTrash(state, tree, noPause);
}

for (const [what, record] of [
  ['a directory', source],
  ['an image', imageSource],
] as const) {
  test(`a killed CreateSnapshot is done by its retry, once, and leaves nothing: ${what}`, async (t) => {
    await killEverywhere(
      t,
      (state, tree, directory) => makeSource(state, tree, directory, record),
      takeSnapshot(record),
      async (state, tree, directory) => {
        const known = await readSnapshot(state, tree, 'snap');
        const made = await copiesOn(state, tree).run(snapshotJob('snap'), snapshotOf(record), patience);
        assert.ok(made);
        if (known !== undefined) assert.deepEqual(made, known);
        await sweep(state, tree);
        assert.deepEqual(await beside(directory), {
          copies: [],
          snapshots: [made.data, 'snap'],
          trash: [],
        });
        const data = join(directory, '.berth/snapshots', made.data);
        const file = record.image === undefined ? join(data, 'file') : data;
        assert.match(await readFile(file, 'utf8'), /content$/);
      },
    );
  });
}

test('what a killed CreateSnapshot leaves that is never repeated is swept up', async (t) => {
  await killEverywhere(
    t,
    (state, tree, directory) => makeSource(state, tree, directory, source),
    takeSnapshot(source),
    async (state, tree, directory) => {
      await sweep(state, tree);
      const record = await readSnapshot(state, tree, 'snap');
      const snapshots = record === undefined ? [] : [record.data, 'snap'];
      assert.deepEqual(await beside(directory), { copies: [], snapshots, trash: [] });
    },
  );
});

const restored = {
  'a directory': { from: source, wanted: volumeRecord({ name: 'new', id: 'BBBBBBBB' }) },
  'a directory below others': {
    from: source,
    wanted: volumeRecord({ name: 'new', id: 'BBBBBBBB', subDir: 'team/a' }),
  },
  'an image': {
    from: imageSource,
    wanted: volumeRecord({ name: 'new', id: 'BBBBBBBB', mode: 0o700, capacity: 16384n, image: {} }),
  },
} as const;

const cloneOf = (from: VolumeRecord, wanted: VolumeRecord) =>
  volumeWork('new', wanted, { kind: 'volume', key: 'pvc-1', record: from });

for (const [what, { from, wanted }] of Object.entries(restored)) {
  const run = (state: State, tree: Tree) =>
    copiesOn(state, tree).run(volumeJob('new'), cloneOf(from, wanted), patience);

  test(`a killed CreateVolume from another volume is done by its retry, and leaves nothing: ${what}`, async (t) => {
    await killEverywhere(
      t,
      (state, tree, directory) => makeSource(state, tree, directory, from),
      toTheEnd((copies) => copies.run(volumeJob('new'), cloneOf(from, wanted), patience)),
      async (state, tree, directory) => {
        const made = await run(state, tree);
        assert.deepEqual(made?.from, { kind: 'volume', key: 'pvc-1' });
        assert.deepEqual(await readRecord(state, tree, 'new'), made);
        await sweep(state, tree);
        assert.deepEqual(await beside(directory), { copies: [], snapshots: [], trash: [] });
        const file = made?.image === undefined ? 'file' : (made.image.file ?? '');
        assert.deepEqual(await readdir(join(directory, wanted.subDir)), [file]);
        assert.match(await readFile(join(directory, wanted.subDir, file), 'utf8'), /content\0*$/);
        const { mode } = await lstat(join(directory, wanted.subDir));
        assert.equal(mode & 0o7777, wanted.mode);
      },
    );
  });

  test(`what a killed CreateVolume from another volume leaves is removed: ${what}`, async (t) => {
    await killEverywhere(
      t,
      (state, tree, directory) => makeSource(state, tree, directory, from),
      toTheEnd((copies) => copies.run(volumeJob('new'), cloneOf(from, wanted), patience)),
      async (state, tree, directory) => {
        // By DeleteVolume, or else by a sweep.
        await deleteVolume(state, tree, 'new', () => copiesOn(state, tree).cancel(volumeJob('new')));
        await sweep(state, tree);
        const left = await beside(directory);
        assert.deepEqual(left, { copies: [], snapshots: [], trash: [] });
        assert.equal(await readRecord(state, tree, 'new'), undefined);
      },
    );
  });
}

/** Calls on the tree that a work makes, counted in a run of its own. */
async function pausedEverywhere(
  t: TestContext,
  check: (each: TestContext, at: number) => Promise<'reached' | 'over'>,
): Promise<void> {
  for (let at = 1; ; at += 1) {
    let outcome: 'reached' | 'over' = 'over';
    await t.test(`at call ${at}`, async (each) => {
      outcome = await check(each, at);
    });
    if (outcome === 'over') {
      assert.ok(at > 5, 'it was paused at all');
      return;
    }
  }
}

test('a snapshot that another controller deletes while it is made does not come to be', async (t) => {
  await pausedEverywhere(t, async (each, at) => {
    const directory = await temporaryDirectory(each);
    const { state, tree } = await openTree(each, directory);
    await makeSource(state, tree, directory, source);
    const paused = pausedAt(tree, at);
    const making = copiesOn(state, paused.tree).run(snapshotJob('snap'), snapshotOf(source), patience);
    const ended = making.then(
      () => 'made',
      (error: unknown) => {
        assert.ok(
          because('copy-cancelled')(error) || because('copy-elsewhere')(error) || isGone(error),
          String(error),
        );
        return 'cancelled';
      },
    );
    const reached = await Promise.race([paused.reached.then(() => true), ended.then(() => false)]);
    if (!reached) return 'over';
    // As DeleteSnapshot does.
    const record = await readSnapshot(state, tree, 'snap');
    if (record !== undefined) await removeSnapshot(state, tree, 'snap', record);
    else {
      await copiesOn(state, tree).cancel(snapshotJob('snap'));
      const late = await readSnapshot(state, tree, 'snap');
      if (late !== undefined) await removeSnapshot(state, tree, 'snap', late);
    }
    const isBegun = (await readdir(join(directory, '.berth/copies'))).length > 0;
    paused.go();
    await ended;
    await sweep(state, tree);
    const now = await readSnapshot(state, tree, 'snap');
    // It was asked for anew, as it were, where it had not even been begun.
    if (isBegun || record !== undefined) assert.equal(now, undefined);
    assert.deepEqual((await beside(directory)).copies, []);
    return 'reached';
  });
});

/** What it was to publish was moved away. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

test('a job is left to whoever shows life, and is another one for another source', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await makeSource(state, tree, directory, source);
  await createDirectory(state, tree, 'pvc-2', volumeRecord({ name: 'pvc-2' }));
  // Its tenth call is in the middle of it.
  const paused = pausedAt(tree, 10);
  const making = copiesOn(state, paused.tree).run(snapshotJob('snap'), snapshotOf(source), patience);
  await paused.reached;
  const second = copiesOn(state, tree, 60_000);
  await assert.rejects(
    second.run(snapshotJob('snap'), snapshotOf(source), patience),
    because('copy-elsewhere'),
  );
  const other = snapshotWork({
    key: 'snap',
    name: 'snap',
    created: 1,
    volume: { key: 'pvc-2', record: volumeRecord({ name: 'pvc-2' }) },
  });
  await assert.rejects(second.run(snapshotJob('snap'), other, patience), because('copy-of-another'));
  paused.go();
  assert.equal((await making)?.source, 'pvc-1');
});

test('a copy whose source is deleted meanwhile is not used', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await makeSource(state, tree, directory, source);
  const work = snapshotOf(source);
  const make: typeof work.make = async (_state, _tree, copy, watch) => {
    const deleting = withQuickCopies(tree, async () => {
      assert.equal((await deleteDirectory(state, tree, 'pvc-1')).kind, 'gone');
    });
    await work.make(state, deleting, copy, watch);
  };
  const copies = copiesOn(state, tree);
  const making = copies.run(snapshotJob('snap'), { ...work, make }, patience);
  await assert.rejects(making, because('source-deleted'));
  assert.equal(await readSnapshot(state, tree, 'snap'), undefined);
  await sweep(state, tree);
  assert.deepEqual(await beside(directory), { copies: [], snapshots: [], trash: [] });
});

test('a call that does not wait for the end is told of it by the next one', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await makeSource(state, tree, directory, source);
  const paused = pausedAt(tree, 10);
  const copies = copiesOn(state, paused.tree);
  const work = snapshotOf(source);
  assert.equal(await copies.run(snapshotJob('snap'), work, 1), undefined);
  await paused.reached;
  assert.equal(copies.about(snapshotJob('snap'))?.from, 'volume/pvc-1');
  const joined = copies.run(snapshotJob('snap'), work, patience);
  paused.go();
  assert.equal((await joined)?.source, 'pvc-1');
  assert.deepEqual(
    { ...copies.totals, bytes: 0, files: 0 },
    { running: 0, done: 1, failed: 0, bytes: 0, files: 0 },
  );

  const failure = new CsiError(status.ABORTED, 'source-deleted', 'Gone.');
  const failing = { ...work, make: () => Promise.reject(failure) };
  // Whoever does not wait gets it from the next call.
  await assert.rejects(async () => {
    for (;;) await copies.run('snapshot-other', failing, 0);
  }, because('source-deleted'));
});
