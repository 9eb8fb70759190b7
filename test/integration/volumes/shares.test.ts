// Volumes that show a snapshot itself: what a killed controller leaves, and snapshots that are deleted under them.
import assert from 'node:assert/strict';
import { access, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Tree } from '../../../src/pools/tree.ts';
import { shareSnapshot } from '../../../src/volumes/copies/share-snapshot.ts';
import { SilenceWatch } from '../../../src/volumes/copies/silence-watch.ts';
import { deleteDirectory } from '../../../src/volumes/directory/delete-directory.ts';
import { sweepCopies } from '../../../src/volumes/removal/sweep-copies.ts';
import { sweepDeletions } from '../../../src/volumes/removal/sweep-deletions.ts';
import { emptyTrash } from '../../../src/volumes/removal/trash.ts';
import type { SnapshotRecord } from '../../../src/volumes/snapshots/snapshot-record.ts';
import {
  createSnapshotRecord,
  readSnapshot,
  removeSnapshot,
} from '../../../src/volumes/snapshots/snapshot-records.ts';
import { forgetAside } from '../../../src/volumes/state/aside.ts';
import type { VolumeRecord } from '../../../src/volumes/state/record.ts';
import { readRecord } from '../../../src/volumes/state/records.ts';
import type { State } from '../../../src/volumes/state/state.ts';
import { killEverywhere } from '../../support/kill-everywhere.ts';
import { openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';
import { because, volumeRecord } from '../../support/volume-record.ts';

const data = '+AAAAAAAAAAAA';
const snapshot: SnapshotRecord = {
  name: 'snap',
  source: 'pvc-1',
  sourceId: 'CCCCCCCC',
  created: 1,
  size: 1024n,
  data,
};
const wanted = volumeRecord({ name: 'new', id: 'BBBBBBBB' });

async function makeSnapshot(state: State, tree: Tree, directory: string): Promise<void> {
  const path = join(directory, '.berth/snapshots', data);
  await mkdir(path);
  await writeFile(join(path, 'file'), 'content');
  await createSnapshotRecord(state, tree, 'snap', snapshot);
}

const share = (state: State, tree: Tree) =>
  shareSnapshot(state, tree, 'new', wanted, { kind: 'snapshot', key: 'snap', record: snapshot });

async function removeIt(state: State, tree: Tree): Promise<void> {
  const record = await readSnapshot(state, tree, 'snap');
  if (record !== undefined) await removeSnapshot(state, tree, 'snap', record);
}

async function removeVolume(state: State, tree: Tree): Promise<void> {
  const deletion = await deleteDirectory(state, tree, 'new');
  if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
}

/** As the janitor does; what others may be at work on is old enough here. */
async function sweep(state: State, tree: Tree): Promise<void> {
  await sweepDeletions(state, tree, 0);
  await sweepCopies(state, tree, new SilenceWatch(0), 0);
  await emptyTrash(state, tree, async () => {});
}

const folder = (directory: string, name: string) => readdir(join(directory, '.berth', name));

async function assertServed(directory: string, record: VolumeRecord): Promise<void> {
  assert.equal(record.shared, data);
  await access(join(directory, '.berth/snapshots', data, 'file'));
  assert.equal((await folder(directory, 'shares')).length, 1);
}

async function assertNothing(directory: string): Promise<void> {
  for (const name of ['shares', 'snapshots', 'volumes', 'trash', 'paths']) {
    assert.deepEqual(await folder(directory, name), [], name);
  }
  assert.deepEqual(await readdir(directory), ['.berth']);
}

test('a killed CreateVolume that shows a snapshot is done by its retry', async (t) => {
  await killEverywhere(t, makeSnapshot, share, async (state, tree, directory) => {
    await sweep(state, tree);
    const again = { ...wanted, id: 'DDDDDDDD' };
    const made = await shareSnapshot(state, tree, 'new', again, {
      kind: 'snapshot',
      key: 'snap',
      record: snapshot,
    });
    assert.ok(made);
    assert.deepEqual(await readRecord(state, tree, 'new'), made);
    await sweep(state, tree);
    await assertServed(directory, made);
    // The snapshot goes, and what the volume shows stays; the volume goes, and nothing stays.
    await removeIt(state, tree);
    await sweep(state, tree);
    await assertServed(directory, made);
    await removeVolume(state, tree);
    await sweep(state, tree);
    await assertNothing(directory);
  });
});

test('a killed DeleteSnapshot leaves what is served, and nothing once that is not any more', async (t) => {
  await killEverywhere(
    t,
    async (state, tree, directory) => {
      await makeSnapshot(state, tree, directory);
      await share(state, tree);
    },
    removeIt,
    async (state, tree, directory) => {
      await sweep(state, tree);
      const record = await readRecord(state, tree, 'new');
      assert.ok(record);
      await assertServed(directory, record);
      await removeIt(state, tree);
      await removeVolume(state, tree);
      await sweep(state, tree);
      await assertNothing(directory);
    },
  );
});

test('a killed DeleteVolume of what shows a snapshot leaves the snapshot, and no share', async (t) => {
  await killEverywhere(
    t,
    async (state, tree, directory) => {
      await makeSnapshot(state, tree, directory);
      await share(state, tree);
    },
    removeVolume,
    async (state, tree, directory) => {
      await removeVolume(state, tree);
      await sweep(state, tree);
      assert.deepEqual(await folder(directory, 'shares'), []);
      assert.deepEqual(await folder(directory, 'snapshots'), [data, 'snap']);
      assert.equal(await readRecord(state, tree, 'new'), undefined);
    },
  );
});

test('what a deleted snapshot was of goes with the last volume that shows it, without a sweep', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await makeSnapshot(state, tree, directory);
  await share(state, tree);
  const source = { kind: 'snapshot', key: 'snap', record: snapshot } as const;
  await shareSnapshot(state, tree, 'other', volumeRecord({ name: 'other', id: 'EEEEEEEE' }), source);
  await removeIt(state, tree);
  await removeVolume(state, tree);
  await access(join(directory, '.berth/snapshots', data, 'file'));
  await deleteDirectory(state, tree, 'other');
  assert.deepEqual(await folder(directory, 'snapshots'), []);
  assert.equal((await folder(directory, 'trash')).filter((name) => name.startsWith('snapshot-')).length, 1);
});

test('a volume that shows a snapshot goes, and the snapshot stays, also one whose record cannot be read', async (t) => {
  for (const record of [undefined, 'not a record']) {
    const directory = await temporaryDirectory(t);
    const { state, tree } = await openTree(t, directory);
    await makeSnapshot(state, tree, directory);
    await share(state, tree);
    const path = join(directory, '.berth/snapshots/snap');
    if (record !== undefined) {
      await rm(path);
      await symlink(record, path);
    }
    await removeVolume(state, tree);
    assert.deepEqual(await folder(directory, 'shares'), []);
    assert.deepEqual(await folder(directory, 'snapshots'), [data, 'snap']);
  }
});

for (const [what, first, second] of [
  ['deleted while a volume is made that shows it', share, removeIt],
  ['shown by a volume that is made while it is deleted', removeIt, share],
] as const) {
  test(`a snapshot that is ${what} is there for the volume, or there is none`, async (t) => {
    for (let at = 1, over = false; !over; at += 1) {
      await t.test(`at call ${at}`, async (each) => {
        const directory = await temporaryDirectory(each);
        const { state, tree } = await openTree(each, directory);
        await makeSnapshot(state, tree, directory);
        const paused = pausedAt(tree, at);
        const ended = first(state, paused.tree).catch(refusal);
        over = !(await Promise.race([paused.reached.then(() => true), ended.then(() => false)]));
        if (over) return;
        await second(state, tree).catch(refusal);
        // A sweep that comes at any moment takes nothing that is needed; what is young it would leave alone.
        await sweepCopies(state, tree, new SilenceWatch(0));
        paused.go();
        await ended;
        await sweep(state, tree);
        assert.equal(await readSnapshot(state, tree, 'snap'), undefined);
        const record = await readRecord(state, tree, 'new');
        if (record === undefined) await assertNothing(directory);
        else await assertServed(directory, record);
      });
    }
  });
}

function refusal(error: unknown): undefined {
  assert.ok(because('source-deleted')(error), String(error));
  return undefined;
}

test('a call that was held up for so long that its share was swept away makes no volume of nothing', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await makeSnapshot(state, tree, directory);
  let outcomes = new Set<string>();
  for (let at = 1; ; at += 1) {
    const paused = pausedAt(tree, at);
    const ended = share(state, paused.tree).catch(refusal);
    const isOver = !(await Promise.race([paused.reached.then(() => true), ended.then(() => false)]));
    if (isOver) break;
    await removeIt(state, tree);
    await sweep(state, tree);
    paused.go();
    await ended;
    const record = await readRecord(state, tree, 'new');
    outcomes = outcomes.add(record === undefined ? 'none' : 'volume');
    if (record !== undefined) await assertServed(directory, record);
    await removeVolume(state, tree);
    await sweep(state, tree);
    await assertNothing(directory);
    await makeSnapshot(state, tree, directory);
  }
  assert.deepEqual([...outcomes].sort(), ['none', 'volume']);
});
