import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { OwnSocket } from '../../../src/server/own-socket.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { temporaryDirectory } from '../../support/tree.ts';

async function listen(t: TestContext, path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  cleanUp(t, () => server.close());
}

async function made(t: TestContext) {
  const path = join(await temporaryDirectory(t), 'folder', 'a.sock');
  mkdirSync(dirname(path));
  await listen(t, path);
  return { path, own: new OwnSocket(path) };
}

test('a socket is known again, under another name for a while too, and can be removed', async (t) => {
  const { path, own } = await made(t);
  assert.equal(own.look(), 'ours');
  linkSync(path, `${path}.2`);
  unlinkSync(path);
  renameSync(`${path}.2`, path);
  assert.equal(own.look(), 'ours');
  assert.equal(own.problem(), undefined);
  own.remove();
  assert.ok(!existsSync(path));
});

test('one that was removed is told of', async (t) => {
  const { path, own } = await made(t);
  unlinkSync(path);
  assert.equal(own.look(), 'nothing');
  assert.match(String(own.problem()), /a\.sock was removed/);
  own.remove();
  rmSync(dirname(path), { recursive: true });
  assert.equal(own.look(), 'nothing');
});

test("another's in the same place is told of and not removed", async (t) => {
  const { path, own } = await made(t);
  unlinkSync(path);
  await listen(t, path);
  assert.equal(own.look(), 'another');
  assert.match(String(own.problem()), /^Another process has put its own socket at .*a\.sock/);
  own.remove();
  assert.ok(existsSync(path));
});

test('where it cannot be looked at nothing is known, and nothing is thrown', async (t) => {
  const { path, own } = await made(t);
  const directory = dirname(path);
  renameSync(directory, `${directory}.away`);
  symlinkSync(directory, directory);
  assert.equal(own.look(), 'unknown');
  assert.match(String(own.problem()), /cannot be looked at/);
  own.remove();
  assert.equal(new OwnSocket(path).look(), 'unknown');
  unlinkSync(directory);
  renameSync(`${directory}.away`, directory);
  assert.equal(own.look(), 'ours');
});
