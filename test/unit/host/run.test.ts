import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../../../src/host/command-error.ts';
import { run } from '../../../src/host/run.ts';

async function failure(promise: Promise<unknown>): Promise<CommandError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof CommandError);
  return error;
}

test('a command gives its standard output', async () => {
  assert.equal(await run('echo', ['a b', '$HOME'], { timeoutMs: 5000 }), 'a b $HOME\n');
});

test('a command sees nothing of our environment and speaks plain English', async () => {
  process.env.BERTH_TEST_SECRET = 'x';
  const lines = (await run('env', [], { timeoutMs: 5000 })).trim().split('\n');
  delete process.env.BERTH_TEST_SECRET;
  assert.deepEqual(lines.map((line) => line.split('=')[0]).sort(), ['LC_ALL', 'PATH']);
});

test('a failure has a short message for people and the whole output for the log', async () => {
  const error = await failure(run('ls', ['/does/not/exist'], { timeoutMs: 5000 }));
  assert.equal(error.shortMessage, 'ls failed with exit status 2');
  assert.equal(error.exitCode, 2);
  assert.equal(error.timedOut, false);
  assert.match(error.output, /No such file or directory/);
});

test('a missing program is said to be missing', async () => {
  const error = await failure(run('berth-no-such-program', [], { timeoutMs: 5000 }));
  assert.equal(error.shortMessage, 'berth-no-such-program is not installed');
});

test('a command past its deadline is killed with its whole group', async () => {
  const started = performance.now();
  const error = await failure(run('sh', ['-c', 'sleep 300 & echo $!; wait'], { timeoutMs: 200 }));
  assert.equal(error.timedOut, true);
  assert.ok(performance.now() - started < 2000);
  const pid = error.output.trim();
  for (let i = 0; i < 50 && alive(pid); i += 1) await delay(20);
  assert.equal(alive(pid), false, 'the grandchild lives on');
});

test('a process that escapes from its group does not keep the caller waiting', async () => {
  const started = performance.now();
  const file = join(tmpdir(), `berth-escaped-${process.pid}`);
  const error = await failure(
    run('sh', ['-c', `setsid sh -c 'echo $$ >${file}; exec sleep 300' & wait`], { timeoutMs: 300 }),
  );
  assert.equal(error.timedOut, true);
  assert.ok(performance.now() - started < 2000);
  process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
  rmSync(file);
});

test('a command that writes without end fails instead of filling the memory', async () => {
  const error = await failure(run('yes', [], { timeoutMs: 60_000 }));
  assert.equal(error.timedOut, false);
  assert.ok(error.output.length < 4_000_000);
});

/** A zombie that nobody has waited for yet is dead. */
function alive(pid: string): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}

test('a command is ended at once when it is no longer wanted, also before it has begun', async () => {
  const ending = new AbortController();
  const running = failure(run('sleep', ['600'], { timeoutMs: 600_000, signal: ending.signal }));
  ending.abort();
  assert.ok((await running).timedOut);
  assert.ok((await failure(run('sleep', ['600'], { timeoutMs: 600_000, signal: ending.signal }))).timedOut);
});
