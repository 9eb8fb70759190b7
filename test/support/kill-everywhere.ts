import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Tree } from '../../src/pools/tree.ts';
import type { State } from '../../src/volumes/state/state.ts';
import { Killed, killedAt, openTree, temporaryDirectory } from './tree.ts';

export type Work = (state: State, tree: Tree) => Promise<unknown>;

/**
 * Runs `work` on a fresh pool and kills it at each of its calls in turn, before and after the call, then hands
 * the pool to `check`, as a restarted controller would find it.
 */
export async function killEverywhere(
  t: TestContext,
  prepare: (state: State, tree: Tree, directory: string) => Promise<unknown>,
  work: Work,
  check: (state: State, tree: Tree, directory: string) => Promise<void>,
): Promise<void> {
  const whole = await temporaryDirectory(t);
  const opened = await openTree(t, whole);
  await prepare(opened.state, opened.tree, whole);
  const counted = killedAt(opened.tree, Number.POSITIVE_INFINITY, 'before');
  await work(opened.state, counted.tree);
  const total = counted.count.calls;
  assert.ok(total > 0);
  for (let at = 1; at <= total; at += 1) {
    for (const when of ['before', 'after'] as const) {
      await t.test(`killed ${when} call ${at} of ${total}`, async (each) => {
        const directory = await temporaryDirectory(each);
        const first = await openTree(each, directory);
        await prepare(first.state, first.tree, directory);
        await assert.rejects(work(first.state, killedAt(first.tree, at, when).tree), Killed);
        const second = await openTree(each, directory);
        await check(second.state, second.tree, directory);
      });
    }
  }
}
