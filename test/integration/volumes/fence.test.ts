// An image that is taken from a node by force: whoever is killed or late with it, what is written to the file that a
// node was told of is the volume's, or that node has no attachment any more.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CsiError } from '../../../src/errors/csi-error.ts';
import type { Tree } from '../../../src/pools/tree.ts';
import { type AttachHooks, attachRecorded } from '../../../src/volumes/attach-recorded.ts';
import { deleteDirectory } from '../../../src/volumes/directory/delete-directory.ts';
import { createDirectory } from '../../../src/volumes/directory/directory.ts';
import { type Replaced, sweepImages } from '../../../src/volumes/image/fence.ts';
import { forgetAside } from '../../../src/volumes/state/aside.ts';
import { detach } from '../../../src/volumes/state/attach.ts';
import { attachedNodes } from '../../../src/volumes/state/attachments.ts';
import { readRecord } from '../../../src/volumes/state/records.ts';
import type { State } from '../../../src/volumes/state/state.ts';
import { killEverywhere, type Work } from '../../support/kill-everywhere.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { killedAt, openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';
import { because, volumeRecord } from '../../support/volume-record.ts';

const key = 'pvc-1';
const folder = `.berth/volumes/+${key}`;
const record = (id = 'AAAAAAAA') =>
  volumeRecord({ name: key, id, mode: 0o700, image: { fsType: 'ext4' }, subDir: key });

const entries = (directory: string) => readdir(join(directory, folder)).catch(() => [] as string[]);

/** One call, which ends with the copy where the file system cannot share blocks. */
async function attachOnce(state: State, tree: Tree, nodeId: string, multiNode = false) {
  const found = await readRecord(state, tree, key);
  assert.ok(found);
  return attachRecorded(state, tree, { key, record: found }, { nodeId, readOnly: false }, multiNode);
}

/** Repeated, as the attacher does. */
const give =
  (nodeId: string, multiNode = false) =>
  async (state: State, tree: Tree): Promise<string | undefined> => {
    const result = await attachOnce(state, tree, nodeId, multiNode).catch((error: unknown) => {
      if (error instanceof CsiError && error.reason === 'volume-copied')
        return attachOnce(state, tree, nodeId, multiNode);
      throw error;
    });
    return result.kind === 'attached' ? (result.record.image?.file ?? 'disk.img') : undefined;
  };

const takeFrom =
  (nodeId: string): Work =>
  (state, tree) =>
    detach(state, tree, key, nodeId);

/** What the node does when it stages the volume, and writes. */
async function use(directory: string, nodeId: string, file: string, data: string): Promise<void> {
  const name = (how: string) => join(directory, folder, `${how},${nodeId}`);
  await rename(name('single'), name('used,id')).catch(() => {});
  await writeFile(join(directory, key, file), data, { flag: 'r+' });
}

async function volumeOfA(state: State, tree: Tree, directory: string): Promise<void> {
  await createDirectory(state, tree, key, record());
  const file = await give('a')(state, tree);
  await use(directory, 'a', file ?? '', 'precious');
}

/** And is taken from it by force. */
const takenFromA = async (state: State, tree: Tree, directory: string) => {
  await volumeOfA(state, tree, directory);
  await takeFrom('a')(state, tree);
};

async function content(directory: string, file: string | undefined): Promise<string> {
  return (await readFile(join(directory, key, file ?? ''))).subarray(0, 8).toString();
}

async function fileOf(state: State, tree: Tree): Promise<string | undefined> {
  return (await readRecord(state, tree, key))?.image?.file ?? 'disk.img';
}

test('a forced detach that was killed is finished by its retry, and leaves no node without a trace', async (t) => {
  await killEverywhere(t, volumeOfA, takeFrom('a'), async (state, tree, directory) => {
    assert.equal((await entries(directory)).length, 1);
    await takeFrom('a')(state, tree);
    assert.deepEqual(await attachedNodes(state, tree, key), []);
    const file = await give('b')(state, tree);
    assert.notEqual(file, 'disk.img');
    assert.deepEqual(await readdir(join(directory, key)), [file]);
    assert.equal(await content(directory, file), 'precious');
  });
});

test('a replacement that was killed is finished by its retry, and one file is left', async (t) => {
  await killEverywhere(t, takenFromA, give('b'), async (state, tree, directory) => {
    const file = await give('b')(state, tree);
    assert.notEqual(file, 'disk.img');
    assert.equal(file, await fileOf(state, tree));
    assert.deepEqual(await entries(directory), ['single,b']);
    await sweepImages(state, tree, key, -1000);
    assert.deepEqual(await readdir(join(directory, key)), [file]);
    assert.equal((await readFile(join(directory, key, file ?? ''))).length, 1024);
    assert.equal(await content(directory, file), 'precious');
  });
});

test('a node that gets its volume back has the same file and is still known to use it, whenever that was killed', async (t) => {
  await killEverywhere(t, takenFromA, give('a'), async (state, tree, directory) => {
    assert.equal(await give('a')(state, tree), 'disk.img');
    assert.match((await entries(directory)).join(), /^used,[^,]+,a$/);
    assert.equal(await give('b')(state, tree), undefined);
    // The next forced detach is one too.
    await takeFrom('a')(state, tree);
    assert.notEqual(await give('b')(state, tree), 'disk.img');
  });
});

test('a node that was taken the volume while it was giving it back does not keep it', async (t) => {
  await killEverywhere(t, takenFromA, give('a'), async (state, tree, directory) => {
    await takeFrom('a')(state, tree);
    const file = await give('b')(state, tree);
    assert.notEqual(file, 'disk.img');
    assert.equal(file, await fileOf(state, tree));
    assert.deepEqual(await entries(directory), ['single,b']);
  });
});

test('what a killed maker has left is not copied, and its own node makes it anew', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await volumeOfA(state, tree, directory);
  await rename(join(directory, folder, 'used,id,a'), join(directory, folder, 'making,id,a'));
  await takeFrom('a')(state, tree);
  assert.equal(await give('a')(state, tree), 'disk.img');
  assert.match((await entries(directory)).join(), /^making,[^,]+,a$/);
  await takeFrom('a')(state, tree);
  const file = await give('b')(state, tree);
  assert.notEqual(file, 'disk.img');
  assert.deepEqual(await readFile(join(directory, key, file ?? '')), Buffer.alloc(1024));
});

/**
 * Runs `slow` and stops it before each of its calls in turn, does `meanwhile`, lets it go on, and looks at the pool.
 * Both may fail: they were at the same volume at once.
 */
function latecomer(
  what: string,
  prepare: (state: State, tree: Tree, directory: string) => Promise<unknown>,
  slow: Work,
  meanwhile: (state: State, tree: Tree, directory: string) => Promise<void>,
): void {
  test(what, async (t) => {
    for (let step = 1; step < 200; step += 1) {
      const directory = await temporaryDirectory(t);
      const { state, tree } = await openTree(t, directory);
      await prepare(state, tree, directory);
      const { tree: paused, reached, go } = pausedAt(tree, step);
      const late = slow(state, paused).then(
        () => 'done',
        () => 'failed',
      );
      const first = await Promise.race([reached, late]);
      if (first !== undefined) {
        assert.ok(step > 2, 'it was stopped');
        return;
      }
      await meanwhile(state, tree, directory);
      const [node] = await attachedNodes(state, tree, key);
      const told = await fileOf(state, tree);
      go();
      await late;
      const where = `step ${step}, ${node}: ${await entries(directory)}`;
      assert.equal(await fileOf(state, tree), told, where);
      // The node that was told of its file before still has that one, each time it is asked for.
      if (node !== undefined) {
        const again = await give(node)(state, tree);
        assert.ok(again === told || again === undefined, where);
      }
      await sweepImages(state, tree, key, -1000);
      assert.ok((await readdir(join(directory, key))).includes(told ?? ''), where);
      assert.equal(await content(directory, told), 'new data', where);
    }
    assert.fail('it never ended');
  });
}

/** The node gets the volume, unless the late call was there first, and writes. */
const giveAndWrite =
  (...nodes: readonly string[]) =>
  async (state: State, tree: Tree, directory: string): Promise<void> => {
    for (const node of nodes) {
      const file = await give(node)(state, tree).catch(() => undefined);
      const [holder = ''] = await attachedNodes(state, tree, key);
      if (file !== undefined || holder !== '')
        await use(directory, holder, (await fileOf(state, tree)) ?? '', 'new data');
      if (node !== nodes.at(-1)) await takeFrom(holder)(state, tree);
    }
  };

latecomer(
  'a copy that comes late never takes the place of what its node has written since',
  takenFromA,
  give('b'),
  giveAndWrite('a'),
);
latecomer('nor of what another node has written since', takenFromA, give('b'), giveAndWrite('c'));
latecomer(
  'nor where the node was given up and got it back again',
  takenFromA,
  give('b'),
  giveAndWrite('a', 'a'),
);
latecomer('nor of what a further node has', takenFromA, give('b'), giveAndWrite('a', 'c'));
latecomer(
  'a node that gets its volume back late does not get a file that is another node’s',
  takenFromA,
  give('a'),
  giveAndWrite('b'),
);
latecomer(
  'a detach that comes late takes nothing from the node that has the volume since',
  volumeOfA,
  takeFrom('a'),
  async (state, tree, directory) => {
    await takeFrom('a')(state, tree);
    await giveAndWrite('b')(state, tree, directory);
  },
);

test('a pool without room for the copy is told of, and nothing is left of the try', async (t) => {
  const disk = await loopFilesystem(t, 'ext4');
  const { state, tree } = await openTree(t, disk.path);
  await takenFromA(state, tree, disk.path);
  await disk.fill();
  await assert.rejects(give('b')(state, tree), because('pool-full'));
  assert.deepEqual(await readdir(join(disk.path, key)), ['disk.img']);
  await disk.empty();
  assert.equal(await content(disk.path, await give('b')(state, tree)), 'precious');
});

test('a copy that is being made is not swept away', async (t) => {
  for (let step = 1; ; step += 1) {
    const directory = await temporaryDirectory(t);
    const { state, tree } = await openTree(t, directory);
    await takenFromA(state, tree, directory);
    const { tree: paused, reached, go } = pausedAt(tree, step);
    const copying = give('b')(state, paused);
    const file = await Promise.race([reached, copying]);
    if (file !== undefined) return;
    await sweepImages(state, tree, key, -1000);
    go();
    assert.equal(await content(directory, await copying), 'precious', `step ${step}`);
  }
});

test('an attachment to many nodes that was made too late is none where a writer was given up meanwhile', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await takenFromA(state, tree, directory);
  // As a call leaves it that was killed before it saw the writer.
  const text = JSON.stringify({ v: 1, node: 'x', version: 'AAAAAAAA/disk.img' });
  await symlink(text, join(directory, folder, 'multi,x'));
  assert.match((await give('x', true)(state, tree)) ?? '', /^disk-/);
});

test('a copy that may have taken long attaches nobody, since he may want it no more', async (t) => {
  // Which cannot share blocks.
  const { path: directory } = await loopFilesystem(t, 'ext4');
  const { state, tree } = await openTree(t, directory);
  await takenFromA(state, tree, directory);
  let turns = 0;
  const found = await readRecord(state, tree, key);
  assert.ok(found);
  const wanted = { nodeId: 'b', readOnly: false };
  const inTurn: AttachHooks['inTurn'] = async (work) => {
    turns += 1;
    const result = await work();
    // Whoever waits for his turn does not wait for the copy.
    assert.deepEqual(await readdir(join(directory, key)), ['disk.img']);
    return result;
  };
  const replaced: Replaced[] = [];
  const hooks: AttachHooks = { inTurn, onReplaced: (event) => void replaced.push(event) };
  const call = attachRecorded(state, tree, { key, record: found }, wanted, false, hooks);
  await assert.rejects(call, because('volume-copied'));
  assert.equal(turns, 1);
  assert.deepEqual(
    replaced.map(({ seconds: _, ...event }) => event),
    [{ nodeId: 'a', how: 'copied', bytes: 1024n }],
  );
  assert.deepEqual(await attachedNodes(state, tree, key), []);
  assert.deepEqual(await readdir(join(directory, key)), [await fileOf(state, tree)]);
  assert.match((await give('b')(state, tree)) ?? '', /^disk-/);
});

test('what was left behind goes with its volume, and a later one of the name is not touched', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await takenFromA(state, tree, directory);
  const deletion = await deleteDirectory(state, tree, key);
  assert.ok(deletion.kind === 'gone');
  await createDirectory(state, tree, key, record('BBBBBBBB'));
  assert.equal(await give('b')(state, tree), 'disk.img');
  await use(directory, 'b', 'disk.img', 'new data');
  await takeFrom('b')(state, tree);
  const [left = ''] = await entries(directory);
  assert.match(left, /^left,.+,b$/);
  await forgetAside(state, tree, deletion.aside);
  assert.deepEqual(await entries(directory), [left]);
});

// What a CreateVolume has left that was killed before its record.
async function leaveUnrecorded(directory: string): Promise<void> {
  await mkdir(join(directory, key));
  await chmod(join(directory, key), 0o712);
  await writeFile(join(directory, key, 'disk.img'), Buffer.alloc(1024));
}

type LateCall = (state: State, tree: Tree, onDelete: 'delete' | 'retain' | 'archive') => Promise<unknown>;
const lateCalls: readonly (readonly [what: string, call: LateCall])[] = [
  ['a deletion', (state, tree) => deleteDirectory(state, tree, key)],
  [
    'a creation with another size',
    (state, tree, onDelete) =>
      createDirectory(state, tree, key, { ...record('CCCCCCCC'), capacity: 2048n, onDelete }),
  ],
];
const fates: readonly (readonly [what: string, onDelete: 'delete' | 'retain' | 'archive' | undefined])[] = [
  ['in use', undefined],
  ['retained', 'retain'],
  ['archived', 'archive'],
];

for (const [what, call] of lateCalls) {
  for (const [fate, onDelete] of fates) {
    test(`an image that is ${fate} is never removed by ${what} from before, however late that is`, async (t) => {
      const directory = await temporaryDirectory(t);
      const { state, tree } = await openTree(t, directory);
      // What was left is old enough to be taken for such.
      t.mock.method(Date, 'now', () => performance.timeOrigin + performance.now() + 3_600_000);
      await leaveUnrecorded(directory);
      const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
      await call(state, whole.tree, 'delete');
      for (let step = 1; step <= whole.count.calls; step += 1) {
        const archived = (await readdir(join(directory, '.berth/archive'))).map(
          (name) => `.berth/archive/${name}`,
        );
        for (const name of [key, folder, `.berth/volumes/${key}`, ...archived])
          await rm(join(directory, name), { recursive: true, force: true });
        await leaveUnrecorded(directory);
        const late = pausedAt(tree, step);
        const working = call(state, late.tree, onDelete ?? 'delete');
        working.catch(() => {});
        await Promise.race([late.reached, working]);
        await createDirectory(state, tree, key, { ...record(), onDelete: onDelete ?? 'delete' });
        const file = await give('a')(state, tree);
        await use(directory, 'a', file ?? '', 'precious');
        if (onDelete !== undefined) {
          await takeFrom('a')(state, tree);
          const deletion = await deleteDirectory(state, tree, key);
          assert.ok(deletion.kind === 'gone', `step ${step}`);
          await forgetAside(state, tree, deletion.aside);
        }
        late.go();
        await working.catch(() => {});
        assert.deepEqual(await preciousIn(directory), ['disk.img'], `step ${step}`);
      }
    });
  }
}

/** The names of the files that have the data, wherever they are. */
async function preciousIn(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = (await readFile(join(entry.parentPath, entry.name))).subarray(0, 8).toString();
    if (text === 'precious') found.push(entry.name);
  }
  return found;
}
