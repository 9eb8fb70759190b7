import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { CsiError } from '../../../src/errors/csi-error.ts';
import type { Backend } from '../../../src/pools/backend.ts';
import { localBackend } from '../../../src/pools/local.ts';
import { Pool } from '../../../src/pools/pool.ts';
import type { Tree } from '../../../src/pools/tree.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { temporaryDirectory } from '../../support/tree.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';

const folder = 'state';

/** A pool whose state is one folder, on a directory of this machine; let go of at the end of the test. */
function poolOn(t: TestContext, backend: Backend): Pool<null> {
  const use = {
    mayMake: true,
    async prepare(tree: Tree, { make }: { make: boolean }) {
      if (make) await tree.mkdir(tree.root, folder, 0o700);
      else await tree.lstat(tree.root, folder);
      return null;
    },
  };
  const pool: Pool<null> = new Pool('nas', backend, use, pino({ level: 'silent' }), 10);
  cleanUp(t, () => pool.stop());
  return pool;
}

async function comesTo(pool: Pool<null>, state: string): Promise<void> {
  for (let look = 0; pool.health.state !== state; look += 1) {
    assert.ok(look < 2000, `the pool is ${pool.health.state}: ${pool.health.reason}`);
    await delay(5);
  }
}

const failsWith = (reason: string) => (error: unknown) =>
  error instanceof CsiError && error.code === status.UNAVAILABLE && error.reason === reason;

const losses: Record<string, (path: string, aside: string) => Promise<void>> = {
  'is moved away': (path, aside) => rename(path, aside),
  'is removed': async (path, aside) => {
    await cp(path, aside, { recursive: true });
    await rm(path, { recursive: true });
  },
  'is replaced by an empty one': async (path, aside) => {
    await rename(path, aside);
    await mkdir(path);
  },
};
for (const [what, lose] of Object.entries(losses)) {
  test(`a directory that ${what} is noticed, not made again, and heals when it is back`, async (t) => {
    const directory = await temporaryDirectory(t);
    const [path, aside] = [join(directory, 'pool'), join(directory, 'aside')];
    const pool = poolOn(t, localBackend('nas', { path }));
    await pool.use((_, tree) => tree.mkdir(tree.root, 'volume', 0o755));
    await lose(path, aside);
    await comesTo(pool, 'down');
    await assert.rejects(
      pool.use((_, tree) => tree.list(tree.root, '.')),
      CsiError,
    );
    const left = await readdir(directory);
    if (left.includes('pool')) assert.deepEqual(await readdir(path), [], 'nothing was made in its place');
    await rm(path, { recursive: true, force: true });
    await rename(aside, path);
    await comesTo(pool, 'up');
    const names = await pool.use((_, tree) => tree.list(tree.root, '.'));
    assert.deepEqual(names.sort(), [folder, 'volume']);
  });
}

test('one file that fails does not take the pool down', async (t) => {
  const pool = poolOn(t, localBackend('nas', { path: await temporaryDirectory(t) }));
  const broken = Object.assign(new Error('i/o error'), { code: 'EIO', errno: -5, syscall: 'readlink' });
  for (let call = 0; call < 20; call += 1) {
    await assert.rejects(
      pool.use(() => Promise.reject(broken)),
      failsWith('pool-unavailable'),
    );
    assert.equal(pool.health.state, 'up');
  }
});

test('a tree that says it is stale is attached anew, and meanwhile its calls fail at once', async (t) => {
  const path = await temporaryDirectory(t);
  let attached = 0;
  let detached = 0;
  const backend: Backend = {
    kind: 'nfs',
    needsSync: false,
    async attach() {
      attached += 1;
      return path;
    },
    async detach() {
      detached += 1;
    },
  };
  const pool = poolOn(t, backend);
  await pool.use(async () => {});
  const stale = Object.assign(new Error('stale'), { code: 'ESTALE', errno: -116, syscall: 'open' });
  await assert.rejects(
    pool.use(() => Promise.reject(stale)),
    failsWith('pool-unavailable'),
  );
  await assert.rejects(
    pool.use(async () => {}),
    failsWith('pool-unavailable'),
  );
  await comesTo(pool, 'up');
  assert.deepEqual({ attached, detached }, { attached: 2, detached: 1 });
});

test('a pool that cannot be attached says why, and is tried again', async (t) => {
  const path = await temporaryDirectory(t);
  let refuse = true;
  const backend: Backend = {
    kind: 'nfs',
    needsSync: false,
    async attach() {
      if (refuse) throw new CsiError(status.UNAVAILABLE, 'pool-unavailable', 'The server is asleep.');
      return path;
    },
    async detach() {},
  };
  const pool = poolOn(t, backend);
  await assert.rejects(
    pool.use(async () => {}),
    { message: 'The server is asleep.' },
  );
  assert.deepEqual(pool.health, { state: 'down', reason: 'The server is asleep.' });
  refuse = false;
  await comesTo(pool, 'up');
});

test('a pool that is let go of while it is probed does not come up again', async (t) => {
  const { promise: probed, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const backend = localBackend('nas', { path: await temporaryDirectory(t) });
  const pool = poolOn(t, {
    ...backend,
    async isCurrent() {
      arrive();
      await released;
      return true;
    },
  });
  let ups = 0;
  pool.onUp(() => {
    ups += 1;
  });
  pool.start();
  await probed;
  const stopped = pool.stop();
  release();
  await stopped;
  assert.deepEqual([ups, pool.health.state], [1, 'down']);
});

test('what is free on a pool is known as long as it is up', async (t) => {
  const directory = await temporaryDirectory(t);
  const [path, aside] = [join(directory, 'pool'), join(directory, 'aside')];
  const pool = poolOn(t, localBackend('nas', { path }));
  const unknown = pool.measures;
  assert.deepEqual(unknown, {
    inFlight: 0,
    held: 0,
    failures: 0,
    probeSeconds: undefined,
    usage: undefined,
  });
  pool.start();
  await waitFor('it has been asked', () => pool.measures.usage !== undefined);
  const { usage, probeSeconds = -1 } = pool.measures;
  assert.ok(usage !== undefined && usage.totalBytes >= usage.availableBytes && usage.totalBytes > 0n);
  assert.ok(probeSeconds >= 0);
  await rename(path, aside);
  await comesTo(pool, 'down');
  const { usage: none, failures } = pool.measures;
  assert.deepEqual([none, failures], [undefined, 1]);
  await rename(aside, path);
  await waitFor('it has been asked again', () => pool.measures.usage !== undefined);
});
