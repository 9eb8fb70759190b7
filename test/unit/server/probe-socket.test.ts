import assert from 'node:assert/strict';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { probeSocket } from '../../../src/server/probe-socket.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { temporaryDirectory } from '../../support/tree.ts';

async function listening(t: TestContext, server: Server | Http2Server): Promise<string> {
  const path = join(await temporaryDirectory(t), 'csi.sock');
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  cleanUp(t, () => server.close());
  return path;
}

/** A gRPC server of which this is all that it does. */
function grpc(t: TestContext, serve: (stream: ServerHttp2Stream) => void): Promise<string> {
  return listening(t, createHttp2Server().on('stream', serve));
}

const limit = 60_000;

test('a server that answers with OK is alive', async (t) => {
  const path = await grpc(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
  assert.equal(await probeSocket(path, limit), undefined);
});

test('a server that answers with an error is not', async (t) => {
  const path = await grpc(t, (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
      { endStream: true },
    );
  });
  assert.match(String(await probeSocket(path, limit)), /gRPC status 12/);
});

test('a server that takes the call and never answers is found out within the limit', async (t) => {
  const path = await grpc(t, () => {});
  assert.match(String(await probeSocket(path, 50)), /did not answer within 0\.05 s/);
});

test('a server that is no gRPC server at all is found out', async (t) => {
  const path = await listening(
    t,
    createServer((socket) => socket.end('nonsense')),
  );
  assert.match(String(await probeSocket(path, limit)), /^The gRPC server (cannot be reached|closed)/);
});

test('a socket that is gone is found out', async (t) => {
  const path = join(await temporaryDirectory(t), 'csi.sock');
  assert.match(String(await probeSocket(path, limit)), /cannot be reached \(.*ENOENT/);
});
