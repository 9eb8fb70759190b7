import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Gate } from '../../src/pools/gate.ts';
import { Tree } from '../../src/pools/tree.ts';
import { openState, type State } from '../../src/volumes/state/state.ts';
import { cleanUp } from './clean-up.ts';

export interface Opened {
  readonly tree: Tree;
  readonly state: State;
}

/** A directory that is removed at the end of the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-test-'));
  cleanUp(t, () => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Opens a directory as the tree of a pool, as a controller would; closed at the end of the test. */
export async function openTree(t: TestContext, directory: string): Promise<Opened> {
  const umask = process.umask(0);
  cleanUp(t, () => process.umask(umask));
  const gate = new Gate({ slots: 8, limitMs: 60_000, onStuck: () => {} });
  const tree = new Tree(gate, fs.openSync(directory, fs.constants.O_DIRECTORY), true);
  cleanUp(t, () => tree.abandon());
  const state = await openState(tree, { make: true });
  assert.ok(state);
  return { tree, state };
}

/** What a killed process looks like from outside: this call and all later ones never happen and never return. */
export class Killed extends Error {}

type Call = () => Promise<unknown>;

/** A tree whose calls on the file system go through `around`. */
function watched(tree: Tree, around: (call: Call) => Promise<unknown>): Tree {
  return new Proxy(tree, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      // Closing changes nothing on the pool, and a killed process closes all.
      if (name === 'close') return member.bind(target);
      return (...args: unknown[]) => around(async () => Reflect.apply(member, target, args));
    },
  });
}

/**
 * A tree whose process is killed at its nth call on the file system: `before` the call is made or right `after`
 * it took effect. Counting the calls of a whole run: `at` of Infinity.
 */
export function killedAt(tree: Tree, at: number, when: 'before' | 'after') {
  const count = { calls: 0 };
  let dead = false;
  const killed = watched(tree, async (call) => {
    if (dead) throw new Killed();
    count.calls += 1;
    if (count.calls !== at) return call();
    dead = true;
    if (when === 'after') await Promise.allSettled([call()]);
    throw new Killed();
  });
  return { tree: killed, count };
}

/** A tree that waits before its nth call until it is told to go on. */
export function pausedAt(tree: Tree, at: number) {
  let calls = 0;
  const { promise: reached, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: released, resolve: go } = Promise.withResolvers<void>();
  const paused = watched(tree, async (call) => {
    calls += 1;
    if (calls === at) {
      arrive();
      await released;
    }
    return call();
  });
  return { tree: paused, reached, go };
}
