import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from '../csi/client.ts';
import { requireGoTool } from '../setup/go-tools.ts';
import { cleanUp } from '../support/clean-up.ts';
import { loopsBelow } from '../support/image-file.ts';
import { loopFilesystem } from '../support/loop-filesystem.ts';
import { leftOutOnLocal } from './left-out.ts';
import { attachLimit, leftOn, runSanity, type SanityKind } from './run-sanity.ts';

const launcher = resolve(import.meta.dirname, '../../bin/berth');

// One shares the blocks of copies, the other does not.
for (const type of ['xfs', 'ext4'] as const) {
  for (const kind of ['directories', 'ext4', 'raw'] as const) {
    test(`csi-sanity passes on a local pool of ${type}, ${kind}`, (t) => pass(t, type, kind));
  }
}

async function pass(t: TestContext, type: 'xfs' | 'ext4', kind: SanityKind): Promise<void> {
  assert.equal(process.getuid?.(), 0, 'this test makes real bind mounts and has to run as root');
  if (!(await requireGoTool(t, 'csi-sanity'))) return;
  const work = await mkdtemp(join(tmpdir(), 'berth-sanity-local-'));
  const pool = (await loopFilesystem(t, type)).path;
  const config = join(work, 'config.yaml');
  await writeFile(config, JSON.stringify({ pools: { scratch: { local: { path: pool } } } }));
  const socket = `unix://${work}/csi.sock`;
  const flags = ['--http', 'off', '--node-id', 'sanity', '--max-volumes-per-node', `${attachLimit}`];
  const berth = spawn(
    launcher,
    ['all', '--endpoint', socket, '--config', config, '--state-dir', `${work}/state`, ...flags],
    { env: { ...process.env, BERTH_NODE_BINARY: process.execPath }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  cleanUp(t, async () => {
    assert.equal(await stop(berth), 0, 'the drain');
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    assert.doesNotMatch(mounts, /berth-sanity-/, 'mounts were left behind');
    assert.deepEqual(loopsBelow(pool), [], 'loop devices were left behind');
    assert.deepEqual(await leftOn(pool), [], 'records were left behind');
    await rm(work, { recursive: true, force: true });
  });
  const client = connect(`${work}/csi.sock`);
  await client.ready();
  client.close();
  await runSanity({ kind, what: `on local (${type})`, socket: `${work}/csi.sock`, leaveOut: leftOutOnLocal });
}

async function stop(berth: ChildProcess): Promise<number | null> {
  if (berth.exitCode !== null) return berth.exitCode;
  const ended = once(berth, 'exit');
  berth.kill('SIGTERM');
  await ended;
  return berth.exitCode;
}
