import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../../src/errors/usage-error.ts';
import { HttpServer, plain, type Routes } from '../../../src/http/server.ts';
import { cleanUp } from '../../support/clean-up.ts';

const loopback = { host: '127.0.0.1', port: 0 };

async function served(t: TestContext, routes: Routes = { '/a': async () => plain(200, 'ä') }) {
  const server = new HttpServer(routes);
  cleanUp(t, () => server.close());
  return { server, address: await server.listen(loopback) };
}

/** Sends bytes as they are; resolves with all that came back when the server has closed the connection. */
function raw(address: string, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
  socket.setEncoding('utf8').on('data', (data: string) => {
    answer += data;
  });
  socket.on('error', () => {});
  socket.on('close', () => resolve(answer));
  socket.write(text);
  return promise;
}

test('a path that there is is answered to GET, and to HEAD without the body', async (t) => {
  const { address } = await served(t);
  const got = await fetch(`http://${address}/a?whatever=1`);
  assert.deepEqual([got.status, await got.text()], [200, 'ä\n']);
  const head = await fetch(`http://${address}/a`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '3', '']);
});

test('any other path is not found, whatever it is called', async (t) => {
  const { address } = await served(t);
  for (const path of ['/', '/A', '/a/', '/constructor', '/__proto__', '/../etc/passwd']) {
    assert.match(
      await raw(address, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      /^HTTP\/1\.1 404 /,
    );
  }
});

test('any other method is refused with those that there are', async (t) => {
  const { address } = await served(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await fetch(`http://${address}/a`, { method });
    assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD']);
  }
});

test('nonsense is refused, and the connection closed', async (t) => {
  const { address } = await served(t);
  assert.match(await raw(address, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await raw(address, 'GET /a HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const long = `GET /a HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`;
  assert.match(await raw(address, long), /^HTTP\/1\.1 431 /);
  assert.equal((await fetch(`http://${address}/a`)).status, 200, 'others are still answered');
});

test('a header that never ends is not waited for', async (t) => {
  const { address } = await served(t);
  assert.match(await raw(address, 'GET /a HTTP/1.1\r\nHost: x\r\nX: '), /^HTTP\/1\.1 408 /);
});

test('a route that fails is answered with 500 and says nothing of why', async (t) => {
  const { address } = await served(t, { '/a': () => Promise.reject(new Error('a secret')) });
  const answer = await fetch(`http://${address}/a`);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /secret/);
});

test('an address that cannot be had is an error of use that says what to do', async (t) => {
  const { address } = await served(t);
  const port = Number(address.split(':').at(-1));
  const refuses = (where: { host: string; port: number }, text: RegExp) =>
    assert.rejects(new HttpServer({}).listen(where), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, text);
      return true;
    });
  await refuses({ host: '127.0.0.1', port }, /^--http 127\.0\.0\.1:\d+: another process listens there; give/);
  await refuses({ host: '192.0.2.1', port: 0 }, /^--http 192\.0\.2\.1:0: this machine has no such address/);
});

/** Holds its connection; `text` is what it sends. Comes back as often as it is sent away. */
function hold(t: TestContext, address: string, text: string): void {
  let ended = false;
  let socket: Socket;
  const open = () => {
    socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
    socket.on('error', () => {});
    // Nothing of the answer is read.
    socket.write(text);
    socket.once('close', () => {
      if (!ended) setTimeout(open, 100);
    });
  };
  open();
  cleanUp(t, () => {
    ended = true;
    socket.destroy();
  });
}

const question = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n';

for (const [what, text] of [
  ['have been answered', question],
  ['say nothing', ''],
  ['never end their question', 'GET /a HTTP/1.1\r\nHost: x\r\n'],
  ['ask for what there is not', question.replace('/a', '/b')],
  ['ask again and again and do not read', question.repeat(200)],
] as const) {
  test(`a hundred and fifty clients that hold connections and ${what} keep nobody out`, async (t) => {
    const { address } = await served(t);
    for (let index = 0; index < 150; index += 1) hold(t, address, text);
    for (let time = 0; time < 20; time += 1) {
      await sleep(20);
      assert.match(await raw(address, question.replace('x', 'x\r\nConnection: close')), /^HTTP\/1\.1 200 /);
    }
  });
}

test('a connection that waits for its answer is not closed in favour of others', async (t) => {
  const given = Promise.withResolvers<void>();
  const { address } = await served(t, {
    '/a': async () => plain(200, 'quick'),
    '/slow': () => given.promise.then(() => plain(200, 'slow')),
  });
  const slow = raw(address, 'GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await fetch(`http://${address}/a`);
  for (let index = 0; index < 150; index += 1) hold(t, address, question);
  await sleep(200);
  given.resolve();
  assert.match(await slow, /slow$/m);
});

test('only a path that there is keeps its connection, and for a few seconds', async (t) => {
  const { address } = await served(t);
  assert.match(await raw(address, question.replace('/a', '/b')), /^HTTP\/1\.1 404 .*connection: close/is);
  const startedAt = performance.now();
  assert.match(await raw(address, question), /^HTTP\/1\.1 200 /);
  assert.ok(performance.now() - startedAt < 10_000);
});

test('a closed server ends the connections that are open', async (t) => {
  const { server, address } = await served(t, { '/a': () => new Promise(() => {}) });
  const answer = raw(address, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
  await fetch(`http://${address}/b`);
  server.close();
  assert.equal(await answer, '');
  await assert.rejects(fetch(`http://${address}/b`));
});
