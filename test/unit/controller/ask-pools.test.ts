import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askPools } from '../../../src/controller/ask-pools.ts';

const never = () => new Promise<undefined>(() => {});
const nowhere = async () => undefined;
const here = async () => ({ on: 'nas' });
const down = async () => {
  throw new Error('the pool is down');
};

function ask(...pools: (() => Promise<{ on: string } | undefined>)[]) {
  return askPools(pools, (pool) => pool());
}

test('the answer of one pool waits for no other, be that down or silent', async () => {
  assert.deepEqual(await ask(never, down, nowhere, here), { on: 'nas' });
});

test('nowhere is said only where every pool was asked', async () => {
  assert.equal(await ask(nowhere, nowhere), undefined);
  assert.equal(await ask(), undefined);
  await assert.rejects(ask(nowhere, down), /the pool is down/);
});
