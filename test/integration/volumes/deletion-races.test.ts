// A deletion that others meet half-way: other volumes of the same directory or name, and changes of the record.
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { deleteDirectory } from '../../../src/volumes/directory/delete-directory.ts';
import { createDirectory, directoryExists } from '../../../src/volumes/directory/directory.ts';
import { sweepDeletions } from '../../../src/volumes/removal/sweep-deletions.ts';
import { forgetAside, listAside, putBack, setAside } from '../../../src/volumes/state/aside.ts';
import { attach } from '../../../src/volumes/state/attach.ts';
import { encodeRecord } from '../../../src/volumes/state/record.ts';
import { readRecord, updateRecord } from '../../../src/volumes/state/records.ts';
import { Killed, killedAt, openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';
import { because, volumeRecord } from '../../support/volume-record.ts';

const record = (name: string, subDir = name, id = 'AAAAAAAA') => volumeRecord({ name, subDir, id });

test('nothing is made inside a volume that is being deleted, at whatever step of its deletion', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
  await createDirectory(state, tree, 'probe', record('probe', 'p/a'));
  await deleteDirectory(state, whole.tree, 'probe');
  for (let step = 1; step <= whole.count.calls; step += 1) {
    const outer = `t${step}`;
    await createDirectory(state, tree, outer, record(outer, `${outer}/a`));
    const { tree: paused, reached, go } = pausedAt(tree, step);
    const deleting = deleteDirectory(state, paused, outer);
    await Promise.race([reached, deleting]);
    const made = await createDirectory(
      state,
      tree,
      `i${step}`,
      record(`i${step}`, `${outer}/a/b`, 'BBBBBBBB'),
    ).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof CsiError, `step ${step}: ${error}`);
        return false;
      },
    );
    go();
    await deleting;
    assert.equal(await directoryExists(tree, `${outer}/a/b`), made, `paused at call ${step}`);
  }
});

test('a volume that is made inside another one at the same moment leaves nothing in its way', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  const inner = record('inner', 'team/a/b', 'BBBBBBBB');
  const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
  await createDirectory(state, whole.tree, 'probe', record('probe', 'p/a/b', 'CCCCCCCC'));
  for (let step = 1; step <= whole.count.calls; step += 1) {
    const { tree: paused, reached, go } = pausedAt(tree, step);
    const made = createDirectory(state, paused, 'inner', inner).then(
      () => true,
      () => false,
    );
    await Promise.race([reached, made]);
    const outer = await createDirectory(state, tree, 'outer', record('outer', 'team/a')).then(
      () => true,
      () => false,
    );
    go();
    assert.ok(!((await made) && outer), `both were made, paused at call ${step}`);
    for (const key of ['inner', 'outer']) {
      const deletion = await deleteDirectory(state, tree, key);
      if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
    }
    assert.deepEqual(await tree.list(state.volumes, '.'), ['probe']);
    // A parent that was made for a volume stays; anything else would be in the way of the next.
    if (await directoryExists(tree, 'team/a')) await tree.rmdir(tree.root, 'team/a');
    await createDirectory(state, tree, 'next', record('next', 'team/a', 'DDDDDDDD'));
    const last = await deleteDirectory(state, tree, 'next');
    if (last.kind === 'gone') await forgetAside(state, tree, last.aside);
  }
});

test('a deletion that is repeated, or swept, leaves the next volume of its directory alone', async (t) => {
  for (const again of ['repeat', 'sweep'] as const) {
    const directory = await temporaryDirectory(t);
    const { state, tree } = await openTree(t, directory);
    await createDirectory(state, tree, 'v1', record('v1', 'team/a'));
    assert.equal((await deleteDirectory(state, tree, 'v1')).kind, 'gone');
    await createDirectory(state, tree, 'v2', record('v2', 'team/a', 'BBBBBBBB')).catch(
      async (error: unknown) => {
        // Until it is forgotten, the deletion keeps others from its directory.
        assert.ok(because('volume-busy')(error));
        await mkdir(join(directory, 'team/a'));
        await symlink(encodeRecord(record('v2', 'team/a', 'BBBBBBBB')), join(directory, '.berth/volumes/v2'));
      },
    );
    await writeFile(join(directory, 'team/a/data'), 'x');
    if (again === 'repeat') assert.equal((await deleteDirectory(state, tree, 'v1')).kind, 'gone');
    else assert.deepEqual(await sweepDeletions(state, tree, -1000), []);
    assert.deepEqual(await readdir(join(directory, 'team/a')), ['data']);
  }
});

test('what is put back overwrites neither a later volume nor a change', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await createDirectory(state, tree, 'v1', record('v1', 'one'));
  assert.equal((await deleteDirectory(state, tree, 'v1')).kind, 'gone');
  const later = record('v1', 'two', 'BBBBBBBB');
  await createDirectory(state, tree, 'v1', later);
  await attach(state, tree, 'v1', { nodeId: 'n', readOnly: false }, false);
  assert.deepEqual(await sweepDeletions(state, tree, -1000), []);
  assert.deepEqual(await readRecord(state, tree, 'v1'), later);
  assert.ok(await directoryExists(tree, 'two'));

  await createDirectory(state, tree, 'v2', record('v2'));
  const aside = await setAside(state, tree, 'v2');
  assert.ok(aside);
  const changed = { ...aside.record, revision: 1, capacity: 99n };
  await tree.symlink(state.volumes, 'v2', encodeRecord(changed));
  await putBack(state, tree, aside);
  assert.deepEqual(await readRecord(state, tree, 'v2'), changed);
  assert.deepEqual(await listAside(state, tree, 'v2'), []);
});

test('a change that is answered is in the record, also where a deletion was given up in between', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  const grow = (on: typeof tree, name: string) =>
    updateRecord(state, on, name, (current) => ({ ...current, capacity: 99n }));
  const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
  await createDirectory(state, tree, 'probe', record('probe'));
  await grow(whole.tree, 'probe');
  for (let step = 1; step <= whole.count.calls; step += 1) {
    const name = `v${step}`;
    await createDirectory(state, tree, name, record(name));
    await attach(state, tree, name, { nodeId: 'n', readOnly: false }, false);
    const { tree: paused, reached, go } = pausedAt(tree, step);
    const growing = grow(paused, name).then(
      (answer) => answer?.capacity,
      () => undefined,
    );
    await Promise.race([reached, growing]);
    assert.equal((await deleteDirectory(state, tree, name)).kind, 'attached');
    go();
    const answered = await growing;
    const kept = (await readRecord(state, tree, name))?.capacity;
    assert.ok(kept !== undefined, `paused at call ${step}: the volume is still there`);
    if (answered !== undefined) assert.equal(kept, answered, `paused at call ${step}`);
  }
});

test('a record that was set aside in place of another one comes back', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  await createDirectory(state, tree, 'v1', record('v1', 'v1', 'BBBBBBBB'));
  const volumes = join(directory, '.berth/volumes');
  await rename(join(volumes, 'v1'), join(volumes, ',v1.AAAAAAAA.deleting'));
  assert.deepEqual(await sweepDeletions(state, tree, -1000), []);
  assert.equal((await readRecord(state, tree, 'v1'))?.id, 'BBBBBBBB');
  assert.deepEqual(await readdir(volumes), ['v1']);
  assert.ok(lstatSync(join(directory, 'v1')).isDirectory());
});

test('a killed put-back is finished, and the volume stays', async (t) => {
  for (let at = 1; at <= 12; at += 1) {
    const { state, tree } = await openTree(t, await temporaryDirectory(t));
    await createDirectory(state, tree, 'v1', record('v1'));
    await attach(state, tree, 'v1', { nodeId: 'n', readOnly: false }, false);
    const end = await deleteDirectory(state, killedAt(tree, at, 'after').tree, 'v1').catch(
      (error: unknown) => {
        assert.ok(error instanceof Killed);
      },
    );
    if (end === undefined) assert.deepEqual(await sweepDeletions(state, tree, -1000), []);
    assert.equal((await readRecord(state, tree, 'v1'))?.id, 'AAAAAAAA', `killed after call ${at}`);
    assert.deepEqual((await tree.list(state.volumes, '.')).sort(), ['+v1', 'v1']);
    assert.ok(await directoryExists(tree, 'v1'));
  }
});

test('an attached volume on a full pool is found again after a refused deletion', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  await createDirectory(state, tree, 'v1', record('v1'));
  await attach(state, tree, 'v1', { nodeId: 'n', readOnly: false }, false);
  const noSpace = Object.assign(new Error('full'), { code: 'ENOSPC', errno: -28 });
  const full = new Proxy(tree, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name === 'symlink') return () => Promise.reject(noSpace);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  assert.equal((await deleteDirectory(state, full, 'v1')).kind, 'attached');
  assert.equal((await readRecord(state, tree, 'v1'))?.id, 'AAAAAAAA');
  assert.deepEqual((await tree.list(state.volumes, '.')).sort(), ['+v1', 'v1']);
});

test('a deletion that meets one that was given up says that the volume is still there', async (t) => {
  const { state, tree } = await openTree(t, await temporaryDirectory(t));
  const kinds = new Set<string>();
  for (let step = 1; step <= 12; step += 1) {
    const name = `v${step}`;
    await createDirectory(state, tree, name, record(name));
    const aside = await setAside(state, tree, name);
    assert.ok(aside);
    const { tree: paused, reached, go } = pausedAt(tree, step);
    const deleting = deleteDirectory(state, paused, name);
    await Promise.race([reached, deleting]);
    if ((await readRecord(state, tree, name)) === undefined && (await directoryExists(tree, name))) {
      await tree.symlink(state.volumes, name, encodeRecord(aside.record));
    }
    go();
    const { kind } = await deleting;
    kinds.add(kind);
    assert.equal(kind === 'gone', !(await directoryExists(tree, name)), `paused at call ${step}`);
  }
  assert.ok(kinds.has('kept') && !kinds.has('absent'), [...kinds].join());
});
