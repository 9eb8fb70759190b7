import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Dir } from '../../../src/pools/tree.ts';
import { emptyTrash } from '../../../src/volumes/removal/trash.ts';
import { openTree, temporaryDirectory } from '../../support/tree.ts';

test('whoever watches the trash hears of what waits and of what is gone, by whomever', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  const trash = join(directory, '.berth/trash');
  for (const name of ['a', 'b', 'c', 'tmp-x']) await mkdir(join(trash, name));
  await writeFile(join(trash, 'b', 'file'), '');
  const heard: string[] = [];
  let first = true;
  await emptyTrash(
    state,
    tree,
    async () => {
      // Another controller is faster with one of them.
      if (first) await rm(join(trash, 'c'), { recursive: true });
      first = false;
    },
    {
      found: (count) => heard.push(`found ${count}`),
      gone: (how) => heard.push(how),
    },
  );
  assert.deepEqual(heard.slice(0, 1), ['found 3'], 'what is made aside for a moment does not wait');
  assert.deepEqual(heard.slice(1).sort(), ['elsewhere', 'removed', 'removed']);
});

test('an entry that cannot be removed waits on, and is told of as stuck', async (t) => {
  const directory = await temporaryDirectory(t);
  const { state, tree } = await openTree(t, directory);
  for (const name of ['a', 'b']) await mkdir(join(directory, '.berth/trash', name));
  const refuse = async (dir: Dir, name: string) => {
    if (name === 'a') throw Object.assign(new Error('no'), { code: 'EPERM', errno: -1 });
    return tree.rmdir(dir, name);
  };
  const stubborn = new Proxy(tree, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name === 'rmdir') return refuse;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const heard: string[] = [];
  const { removed, stuck } = await emptyTrash(state, stubborn, async () => {}, {
    found: (count) => heard.push(`found ${count}`),
    gone: (how) => heard.push(how),
  });
  assert.deepEqual([removed, stuck.map(({ name }) => name)], [1, ['a']]);
  assert.deepEqual(heard, ['found 2', 'removed']);
});
