// A server's name may have several addresses, of which some lead nowhere.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { DoctorContext } from '../../../src/doctor/context.ts';
import { reachable } from '../../../src/doctor/pool/reachable.ts';

/** Of loopback, where nobody else listens. */
const [silent, serving] = ['127.203.0.1', '127.203.0.2'];

async function look(t: TestContext, addresses: readonly string[]) {
  const server = createServer((socket) => socket.destroy());
  server.listen(2049, serving);
  await once(server, 'listening');
  t.after(() => server.close());
  const doctor = {
    timeoutMs: 10_000,
    signal: t.signal,
    exec: async () => addresses.map((address) => `${address} STREAM nas\n${address} DGRAM\n`).join(''),
  } as unknown as DoctorContext;
  const nfs = { server: 'nas.example.com', path: '/srv', mountOptions: [] };
  return reachable({ config: { kind: 'nfs', name: 'nas', nfs }, doctor });
}

test('a server that listens at the second address of its name is reachable', async (t) => {
  const found = await look(t, [silent, serving]);
  assert.equal(found.verdict, 'ok', found.says);
  assert.match(found.says, /nas\.example\.com listens on port 2049/);
});

test('a server that listens at none of its addresses is not', async (t) => {
  const found = await look(t, [silent, '127.203.0.3']);
  assert.equal(found.verdict, 'fail');
  assert.match(found.says, /nas\.example\.com refuses connections/);
});
