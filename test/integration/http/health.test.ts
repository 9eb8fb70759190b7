import assert from 'node:assert/strict';
import { mkdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanUp } from '../../support/clean-up.ts';
import { type Driver, makeMachine } from '../../support/driver.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { deadPool, withPools } from '../controller/local-pools.ts';

const anyPort = ['--http', '127.0.0.1:0'];

/** Status and text of an answer. */
async function ask({ http }: Driver, path: string, init?: RequestInit): Promise<[number, string]> {
  const answer = await http(path, init);
  return [answer.status, (await answer.text()).trim()];
}

const becomes = (driver: Driver, path: string, status: number) =>
  waitFor(`${path} gives ${status}`, async () => (await ask(driver, path))[0] === status);

for (const mode of ['controller', 'all'] as const) {
  test(`a driver that serves is alive, and ready once its pool is attached (${mode})`, async (t) => {
    const machine = await makeMachine(t);
    const driver = await machine.start({ mode, flags: anyPort });
    assert.deepEqual(await ask(driver, '/healthz'), [200, 'ok']);
    await becomes(driver, '/readyz', 200);
    assert.deepEqual(await ask(driver, '/readyz'), [200, 'ready\npool scratch: up']);
  });
}

test('one pool of several that is down leaves the driver ready, and is told of with its sentence', async (t) => {
  const machine = await makeMachine(t);
  const dead = await deadPool(machine, 'dead');
  const flags = [...(await withPools(machine, { dead: dead.path, scratch: machine.pool })), ...anyPort];
  const driver = await machine.start({ flags });
  await becomes(driver, '/readyz', 200);
  const down = 'The pool dead cannot be attached; the call can be repeated once it is back.';
  await waitFor('the dead pool is known to be down', async () =>
    (await ask(driver, '/readyz'))[1].includes(down),
  );
  assert.deepEqual(await ask(driver, '/readyz'), [200, `ready\npool dead: down: ${down}\npool scratch: up`]);
  const json = {
    ready: true,
    reason: '',
    pools: [
      { name: 'dead', state: 'down', reason: down },
      { name: 'scratch', state: 'up', reason: '' },
    ],
  };
  for (const [path, headers] of [
    ['/readyz?format=json', {}],
    ['/readyz', { accept: 'application/json' }],
  ] as const) {
    const [, text] = await ask(driver, path, { headers });
    assert.deepEqual(JSON.parse(text), json);
  }
});

test('a driver that has reached no pool is alive and not ready, until it has, and stays ready then', async (t) => {
  const machine = await makeMachine(t);
  const dead = await deadPool(machine, 'dead');
  const driver = await machine.start({
    flags: [...(await withPools(machine, { dead: dead.path })), ...anyPort],
  });
  await waitFor('the pool is known to be down', async () =>
    /dead: down/.test((await ask(driver, '/readyz'))[1]),
  );
  assert.equal((await ask(driver, '/readyz'))[0], 503);
  assert.equal((await ask(driver, '/healthz'))[0], 200);
  await dead.repair();
  await becomes(driver, '/readyz', 200);
  await rm(dead.path, { recursive: true });
  await waitFor('the pool is known to be down again', async () =>
    /^ready\npool dead: down/.test((await ask(driver, '/readyz'))[1]),
  );
  assert.equal((await ask(driver, '/healthz'))[0], 200);
});

test('a node is ready once it has reached a pool', async (t) => {
  const machine = await makeMachine(t);
  const path = join(machine.directory, 'late');
  const flags = [...(await withPools(machine, { late: path })), ...anyPort];
  const driver = await machine.start({ mode: 'node', flags });
  await waitFor('the pool is known to be down', async () =>
    /late: down/.test((await ask(driver, '/readyz'))[1]),
  );
  assert.equal((await ask(driver, '/readyz'))[0], 503);
  assert.equal((await ask(driver, '/healthz'))[0], 200);
  await mkdir(path);
  await becomes(driver, '/readyz', 200);
});

test('a driver whose socket was taken away is not alive', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: anyPort });
  assert.equal((await ask(driver, '/healthz'))[0], 200);
  await rm(join(machine.directory, 'csi.sock'));
  const [status, text] = await ask(driver, '/healthz');
  assert.equal(status, 503);
  assert.match(text, /^The socket .*csi\.sock was removed/);
});

test("a driver whose socket another one has taken the place of is not alive, and leaves that one's alone", async (t) => {
  const machine = await makeMachine(t);
  const socket = join(machine.directory, 'csi.sock');
  const first = await machine.start({ mode: 'controller', flags: anyPort });
  await rm(socket);
  const second = await machine.start({ mode: 'controller', flags: anyPort });
  const [status, text] = await ask(first, '/healthz');
  assert.equal(status, 503);
  assert.match(text, /^Another process has put its own socket at .*csi\.sock/);
  assert.equal(await first.end('SIGTERM'), 0);
  assert.ok((await stat(socket)).isSocket());
  assert.deepEqual(await ask(second, '/healthz'), [200, 'ok']);
});

test('a driver that ends is alive and not ready until it has ended', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: anyPort });
  await becomes(driver, '/readyz', 200);
  // A connection that nobody ends keeps the drain from being over at once.
  const silent = connect(join(machine.directory, 'csi.sock'));
  silent.on('error', () => {});
  cleanUp(t, () => silent.destroy());
  await new Promise((resolve) => {
    silent.once('connect', resolve);
  });
  const ended = driver.end('SIGTERM');
  const seen = new Set<string>();
  for (let asked = 0; asked < 10_000; asked += 1) {
    try {
      const [ready] = await ask(driver, '/readyz');
      const [alive] = await ask(driver, '/healthz');
      assert.equal(alive, 200);
      assert.ok(!(ready === 200 && seen.has('503')), 'ready again');
      seen.add(String(ready));
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      break;
    }
  }
  assert.ok(seen.has('503'), [...seen].join());
  assert.equal(await ended, 0);
  await assert.rejects(driver.http('/healthz'), 'closed in the end');
});

test('an address in use ends the program with status 2 and one line, and leaves nothing', async (t) => {
  const machine = await makeMachine(t);
  const first = await machine.start({ flags: anyPort });
  const address = new URL((await first.http('/healthz')).url).host;
  const endpoint = `unix://${machine.directory}/second.sock`;
  const second = machine.run(['all', '--node-id', 'x', '--endpoint', endpoint, '--http', address]);
  await assert.rejects(second, (error: Error) => {
    assert.match(error.message, /^status 2: berth: --http 127\.0\.0\.1:\d+: another process listens there;/);
    assert.equal(error.message.trim().split('\n').length, 1, error.message);
    return true;
  });
  await rm(join(machine.directory, 'second.sock'), { force: false }).then(
    () => assert.fail('the socket was left'),
    () => {},
  );
});

test('a driver that is told to serves no HTTP', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: ['--http', 'off'] });
  await waitFor('it has said that it serves', () => driver.log().includes('"serving"'));
  assert.doesNotMatch(driver.log(), /"http"/);
});
