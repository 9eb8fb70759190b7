import assert from 'node:assert/strict';
import { existsSync, linkSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { UsageError } from '../../../src/errors/usage-error.ts';
import { probeSocket } from '../../../src/server/probe-socket.ts';
import { CsiServer } from '../../../src/server/server.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { temporaryDirectory } from '../../support/tree.ts';

/** A server that does this when it is asked for Probe: at first by itself, before its socket has its name. */
function makeServer(t: TestContext, onProbe: () => unknown = () => {}): CsiServer {
  const server = new CsiServer(pino({ level: 'silent' }));
  server.add('Identity', {
    Probe: async () => {
      await onProbe();
      return { ready: { value: true } };
    },
  });
  cleanUp(t, () => server.drain());
  return server;
}

const asidesOf = (path: string) => readdirSync(dirname(path)).filter((name) => name.includes('~'));

/** A socket that nobody listens on, as a killed process leaves it. */
async function leave(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.tmp`, resolve));
  linkSync(`${path}.tmp`, path);
  await new Promise((resolve) => server.close(resolve));
}

test('a server whose name is taken while it starts says so and listens no more', async (t) => {
  const path = join(await temporaryDirectory(t), 'csi.sock');
  const kept = join(dirname(path), 'kept');
  const server = makeServer(t, () => {
    for (const name of asidesOf(path)) linkSync(join(dirname(path), name), kept);
    writeFileSync(path, "somebody else's");
  });
  await assert.rejects(server.listen(path), (error: Error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /--endpoint .*csi\.sock: another process listens on it/);
    return true;
  });
  assert.deepEqual(asidesOf(path), []);
  const code = await new Promise((resolve) => {
    connect(kept)
      .once('connect', () => resolve('connected'))
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  assert.equal(code, 'ECONNREFUSED');
});

test('a socket that is removed before it has its name is told of as that', async (t) => {
  const path = join(await temporaryDirectory(t), 'csi.sock');
  const server = makeServer(t, () => {
    for (const name of asidesOf(path)) unlinkSync(join(dirname(path), name));
  });
  await assert.rejects(
    server.listen(path),
    /--endpoint .*csi\.sock: the socket cannot be given its name \(ENOENT\)/,
  );
});

test('a server that closes leaves one alone that starts in its place', async (t) => {
  const path = join(await temporaryDirectory(t), 'csi.sock');
  const first = makeServer(t);
  await first.listen(path);
  unlinkSync(path);
  let startsStill = true;
  const second = makeServer(t, async () => {
    // It listens by then, and its socket has no name yet.
    if (startsStill) await first.drain();
    startsStill = false;
  });
  await second.listen(path);
  assert.equal(await probeSocket(path, 60_000), undefined);
  assert.equal(second.socketProblem(), undefined);
  assert.match(String(first.socketProblem()), /^Another process has put its own socket at/);
});

test('what killed processes have left aside is cleared, and nothing else is', async (t) => {
  const path = join(await temporaryDirectory(t), 'csi.sock');
  for (const name of ['csi.sock~', 'csi.sock~Ab-1', 'csi.sock~Ab-12', 'other.sock~Ab-1']) {
    await leave(join(dirname(path), name));
  }
  writeFileSync(`${path}~note`, 'x');
  const starting = createServer();
  await new Promise<void>((resolve) => starting.listen(`${path}~live`, resolve));
  cleanUp(t, () => starting.close());
  await makeServer(t).listen(path);
  assert.deepEqual(asidesOf(path).sort(), [
    'csi.sock~Ab-12',
    'csi.sock~live',
    'csi.sock~note',
    'other.sock~Ab-1',
  ]);
});

test('the folder of the socket is made for its owner to write only, whatever the umask', async (t) => {
  const path = join(await temporaryDirectory(t), 'new', 'csi.sock');
  const umask = process.umask(0);
  cleanUp(t, () => process.umask(umask));
  await makeServer(t).listen(path);
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o755);
});

test('a socket at the longest path that the flag takes is served', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'x'.repeat(102 - directory.length - 1));
  await makeServer(t).listen(path);
  assert.ok(existsSync(path));
  assert.equal(await probeSocket(path, 60_000), undefined);
});
