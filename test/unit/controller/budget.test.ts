import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBudget } from '../../../src/controller/budget.ts';

test('work that ends in time gives what it gives, also its error', async () => {
  const budget = startBudget(60_000);
  assert.equal(await budget.within(Promise.resolve('done')), 'done');
  await assert.rejects(budget.within(Promise.reject(new Error('failed'))), /failed/);
});

test('work that never ends is not waited for, and its late failure is not heard of', async () => {
  const budget = startBudget(1);
  const { promise, reject } = Promise.withResolvers<string>();
  assert.equal(await budget.within(promise), undefined);
  assert.equal(await budget.within(new Promise(() => {})), undefined);
  reject(new Error('too late'));
  await new Promise(setImmediate);
});
