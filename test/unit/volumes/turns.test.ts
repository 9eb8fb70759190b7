import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../src/volumes/turns.ts';

/** Work that says when it begins, and ends when the test says so. */
function works(turns: Turns, count: number) {
  const begun: number[] = [];
  const all = Array.from({ length: count }, (_, index) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const taken = turns.take(async () => {
      begun.push(index);
      await promise;
    });
    return { taken, end: resolve, fail: reject };
  });
  const at = (index: number) => {
    const work = all[index];
    assert.ok(work);
    return work;
  };
  return { begun, at };
}

/** Long enough for what needs no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('so many go on at once, and the others in the order of asking', async () => {
  const { begun, at } = works(new Turns(2), 4);
  await settle();
  assert.deepEqual(begun, [0, 1]);
  at(1).end();
  await at(1).taken;
  await settle();
  assert.deepEqual(begun, [0, 1, 2]);
  at(0).end();
  at(2).end();
  await settle();
  at(3).end();
  await at(3).taken;
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

test('work that fails leaves its turn to the next', async () => {
  const { begun, at } = works(new Turns(1), 2);
  at(0).fail(new Error('on purpose'));
  await assert.rejects(at(0).taken, /on purpose/);
  await settle();
  assert.deepEqual(begun, [0, 1]);
  at(1).end();
  await at(1).taken;
});

test('who takes longer than the patience goes on, and keeps nobody waiting', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { begun, at } = works(new Turns(1, 5_000), 3);
  t.mock.timers.tick(4_999);
  await settle();
  assert.deepEqual(begun, [0]);
  t.mock.timers.tick(1);
  await settle();
  assert.deepEqual(begun, [0, 1]);
  // Its turn has been passed on already: its end begins nothing.
  at(0).end();
  await at(0).taken;
  await settle();
  assert.deepEqual(begun, [0, 1]);
  at(1).end();
  await at(1).taken;
  await settle();
  assert.deepEqual(begun, [0, 1, 2]);
  at(2).end();
  await at(2).taken;
});
