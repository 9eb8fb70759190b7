import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CsiError } from '../../../src/errors/csi-error.ts';
import type { Tree } from '../../../src/pools/tree.ts';
import { attachRecorded } from '../../../src/volumes/attach-recorded.ts';
import { deleteDirectory } from '../../../src/volumes/directory/delete-directory.ts';
import { createDirectory, directoryExists } from '../../../src/volumes/directory/directory.ts';
import { sweepDeletions } from '../../../src/volumes/removal/sweep-deletions.ts';
import { emptyTrash } from '../../../src/volumes/removal/trash.ts';
import { forgetAside } from '../../../src/volumes/state/aside.ts';
import { attach } from '../../../src/volumes/state/attach.ts';
import { attachedNodes } from '../../../src/volumes/state/attachments.ts';
import { readRecord, updateRecord } from '../../../src/volumes/state/records.ts';
import type { State } from '../../../src/volumes/state/state.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { Killed, killedAt, openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';
import { because, volumeRecord } from '../../support/volume-record.ts';

const record = (name: string, subDir = name, id = 'AAAAAAAA') => volumeRecord({ name, subDir, id });

test('a refused volume does not take the claim of the one whose directory it wanted', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  await createDirectory(state, tree, 'one', record('one', 'x'));
  await assert.rejects(createDirectory(state, tree, 'two', record('two', 'x', 'BBBBBBBB')), CsiError);
  await assert.rejects(
    createDirectory(state, tree, 'three', record('three', 'x/y', 'CCCCCCCC')),
    because('volumes-overlap'),
  );
  assert.deepEqual(await tree.list(state.volumes, '.'), ['one']);
});

test('a retry never takes over a directory that it did not make, nor does its delete remove it', async (t) => {
  for (let at = 1; at <= 9; at += 1) {
    const directory = await temporaryDirectory(t);
    const { state, tree } = await openTree(t, directory);
    await mkdir(join(directory, 'mine'));
    await writeFile(join(directory, 'mine/precious'), 'x');
    const wanted = record('bar', 'mine');
    const killed = killedAt(tree, at, 'after').tree;
    await assert.rejects(
      createDirectory(state, killed, 'bar', wanted),
      (error) => error instanceof Killed || error instanceof CsiError,
    );
    // Somebody goes on working in it, so that it is newer than the record.
    await writeFile(join(directory, 'mine/more'), 'x');
    await utimes(join(directory, 'mine'), new Date(), new Date());
    if (at % 2 === 0) await assert.rejects(createDirectory(state, tree, 'bar', wanted), CsiError);
    assert.equal((await deleteDirectory(state, tree, 'bar')).kind, 'absent');
    await emptyTrash(state, tree, async () => {});
    assert.deepEqual(
      (await readdir(join(directory, 'mine'))).sort(),
      ['more', 'precious'],
      `killed after call ${at}`,
    );
    assert.deepEqual(await tree.list(state.volumes, '.'), []);
  }
});

test('two controllers that make one volume at once both have it, whoever is faster', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
  await createDirectory(state, whole.tree, 'probe', record('probe'));
  for (let step = 1; step <= whole.count.calls; step += 1) {
    const name = `v${step}`;
    const { tree: paused, reached, go } = pausedAt(tree, step);
    const slow = createDirectory(state, paused, name, record(name));
    await reached;
    const fast = await createDirectory(state, tree, name, record(name, name, 'BBBBBBBB'));
    go();
    assert.deepEqual(await slow, fast, `paused at call ${step}`);
    assert.deepEqual(await readRecord(state, tree, name), fast);
    assert.equal(Number((await tree.lstat(tree.root, name)).mode & 0o7777n), 0o777);
  }
});

type Work = (state: State, tree: Tree, name: string) => Promise<unknown>;

test('deleting a volume and attaching or changing it on another controller exclude each other', async (t) => {
  const attaching =
    (multiNode: boolean): Work =>
    async (state, tree, key) => {
      const present = await readRecord(state, tree, key);
      if (present === undefined) throw new Error('not found');
      const attachment = { nodeId: 'n', readOnly: false };
      return attachRecorded(state, tree, { key, record: present }, attachment, multiNode);
    };
  const works: Record<string, Work> = {
    attach: attaching(false),
    'attach to many': attaching(true),
    expand: async (state, tree, name) => {
      const changed = await updateRecord(state, tree, name, (old) => ({ ...old, capacity: 4096n }));
      if (changed === undefined) throw new Error('not found');
    },
  };
  const remove = async (state: State, tree: Tree, name: string) => {
    const deletion = await deleteDirectory(state, tree, name);
    if (deletion.kind === 'attached') throw new Error('attached');
    if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
  };
  for (const [what, work] of Object.entries(works)) {
    for (const order of ['delete is slow', 'delete is fast'] as const) {
      await t.test(`${what}, ${order}`, async (each) => {
        const { state, tree } = await openTree(each, await temporaryDirectory(each));
        const [slowWork, fastWork] = order === 'delete is slow' ? [remove, work] : [work, remove];
        const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
        await createDirectory(state, tree, 'probe', record('probe'));
        await slowWork(state, whole.tree, 'probe');
        for (let step = 1; step <= whole.count.calls; step += 1) {
          const name = `v${step}`;
          await createDirectory(state, tree, name, record(name));
          const { tree: paused, reached, go } = pausedAt(tree, step);
          const slow = slowWork(state, paused, name).then(
            () => true,
            () => false,
          );
          await Promise.race([reached, slow]);
          const fast = await fastWork(state, tree, name).then(
            () => true,
            () => false,
          );
          go();
          const worked = { [order === 'delete is slow' ? 'deleted' : 'done']: await slow };
          worked[order === 'delete is slow' ? 'done' : 'deleted'] = fast;
          const left = await readRecord(state, tree, name);
          const nodes = await attachedNodes(state, tree, name);
          const where = `paused at call ${step}: ${JSON.stringify(worked)}`;
          assert.equal(left === undefined, worked.deleted, where);
          assert.equal(await directoryExists(tree, name), !worked.deleted, where);
          assert.ok(!(worked.deleted && nodes.length > 0), `${where}: attached and deleted`);
          if (what !== 'expand' && !worked.deleted) assert.ok(worked.done || nodes.length === 0, where);
        }
      });
    }
  }
});

test('a deletion that cannot be leaves the volume to be found, and nothing is made where it could not be deleted', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await createDirectory(state, tree, 'v', record('v', 'team/v'));
  await rename(join(directory, 'team/v'), join(directory, 'kept'));
  const mounted = join(directory, 'team');
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
  cleanUp(t, () => execFileSync('umount', [mounted]));
  await mkdir(join(mounted, 'v'));
  await assert.rejects(deleteDirectory(state, tree, 'v'), { code: 'EXDEV' });
  assert.equal((await readRecord(state, tree, 'v'))?.id, 'AAAAAAAA');
  await assert.rejects(
    createDirectory(state, tree, 'w', record('w', 'team/w', 'BBBBBBBB')),
    because('other-filesystem'),
  );
  assert.deepEqual(await tree.list(state.volumes, '.'), ['v']);
  assert.deepEqual(await readdir(mounted), ['v']);
});

test('a deletion that was cut off keeps its place while a later volume of the name comes and goes', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
  await createDirectory(state, tree, 'probe', record('probe', 'old'));
  await deleteDirectory(state, whole.tree, 'probe');
  for (let at = 1; at <= whole.count.calls; at += 1) {
    const name = `v${at}`;
    await createDirectory(state, tree, name, record(name, `old-${at}`));
    await writeFile(join(directory, `old-${at}`, 'data'), 'x');
    await assert.rejects(deleteDirectory(state, killedAt(tree, at, 'after').tree, name), Killed);
    if ((await readRecord(state, tree, name)) !== undefined) continue;
    const later = record(name, `new-${at}`, 'BBBBBBBB');
    assert.deepEqual(await createDirectory(state, tree, name, later), later);
    await writeFile(join(directory, `new-${at}`, 'data'), 'x');
    assert.deepEqual(await sweepDeletions(state, tree, -1000), []);
    assert.deepEqual(await readRecord(state, tree, name), later);
    assert.deepEqual(await readdir(join(directory, `new-${at}`)), ['data']);
    assert.ok(!(await directoryExists(tree, `old-${at}`)), `cut off after call ${at}`);
  }
});

test('emptying the trash touches nothing else, also when others remove the same files', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await createDirectory(state, tree, 'victim', record('victim'));
  await createDirectory(state, tree, 'gone', record('gone', 'gone', 'BBBBBBBB'));
  const names = Array.from({ length: 200 }, (_, index) => `f${index}`);
  for (const name of names) {
    await writeFile(join(directory, 'victim', name), '');
    await writeFile(join(directory, 'gone', name), '');
  }
  await deleteDirectory(state, tree, 'gone');
  const [entry = ''] = await readdir(join(directory, '.berth/trash'));
  let pauses = 0;
  await emptyTrash(state, tree, async () => {
    pauses += 1;
    if (pauses === 10) await rm(join(directory, '.berth/trash', entry, 'f100'), { force: true });
    // Whoever opens a directory now must not get the number of one that is still worked on.
    const opened = await tree.openDir(tree.root, 'victim');
    tree.close(opened);
  });
  assert.equal((await readdir(join(directory, 'victim'))).length, names.length);
  assert.deepEqual(await readdir(join(directory, '.berth/trash')), []);
});

test('a multi-node attachment that was killed half-way gives way to the single writer that was faster', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  assert.equal((await attach(state, tree, 'v', { nodeId: 'n1', readOnly: false }, false)).kind, 'attached');
  await tree.symlink(state.volumes, '+v/multi,n2', JSON.stringify({ v: 1, node: 'n2' }));
  assert.equal((await attach(state, tree, 'v', { nodeId: 'n2', readOnly: false }, true)).kind, 'elsewhere');
  assert.deepEqual(await attachedNodes(state, tree, 'v'), ['n1']);
});

test('stray files in .berth hide nothing and stop nothing', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await createDirectory(state, tree, 'v', record('v'));
  for (const stray of ['volumes/+v', 'volumes/+@x', 'volumes/.nfs0001', 'volumes/foo bar', 'nodes/x']) {
    await writeFile(join(directory, '.berth', stray), 'stray');
  }
  assert.deepEqual(await attachedNodes(state, tree, 'v'), []);
  assert.equal((await deleteDirectory(state, tree, 'v')).kind, 'gone');
  assert.equal(await readFile(join(directory, '.berth/nodes/x'), 'utf8'), 'stray');
});
