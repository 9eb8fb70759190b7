import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { KeyedMutex } from '../../../src/volumes/keyed-mutex.ts';

test('work on one key never overlaps, and errors let the next one in', async () => {
  const mutex = new KeyedMutex();
  let inside = 0;
  const results = await Promise.allSettled(
    [1, 2, 3].map((number) =>
      mutex.run(['a', 'b'], async () => {
        assert.equal(inside, 0);
        inside += 1;
        await tick();
        inside -= 1;
        if (number === 2) throw new Error('two');
      }),
    ),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('keys in any order do not lock each other out', async () => {
  const mutex = new KeyedMutex();
  await Promise.all([mutex.run(['a', 'b'], tick), mutex.run(['b', 'a'], tick), mutex.run(['b', 'b'], tick)]);
});

test('other keys do not wait', async () => {
  const mutex = new KeyedMutex();
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = mutex.run(['a'], () => promise);
  await mutex.run(['b'], async () => {});
  resolve();
  await held;
});
