// What real commands fail with, as the errno that they name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from '../../../src/host/command-error.ts';
import { run } from '../../../src/host/run.ts';
import { asSystemError } from '../../../src/host/system-error.ts';

const failures: readonly [code: string, command: readonly [string, ...string[]]][] = [
  ['ENOSPC', ['cp', '/proc/version', '/dev/full']],
  ['ENOENT', ['cat', '/nowhere']],
  ['EIO', ['cat', '/proc/self/mem']],
  ['EACCES', ['touch', '/sys/nowhere']],
];

for (const [code, [file, ...args]] of failures) {
  test(`${file} ${args.join(' ')} is ${code}`, async () => {
    await assert.rejects(run(file, args, { timeoutMs: 30_000 }), (error) => {
      const told = asSystemError(error);
      assert.ok(told instanceof Error && 'code' in told && told.cause === error, String(error));
      assert.equal(told.code, code);
      return true;
    });
  });
}

test('a command that took too long is EIO, as on a soft mount', async () => {
  await assert.rejects(run('sleep', ['60'], { timeoutMs: 50 }), (error) => {
    const told = asSystemError(error);
    assert.ok(told instanceof Error && 'code' in told && told.code === 'EIO', String(error));
    return true;
  });
});

test('a command that names no errno fails as a command', async () => {
  await assert.rejects(run('false', [], { timeoutMs: 30_000 }), (error) => {
    assert.ok(error instanceof CommandError);
    assert.equal(asSystemError(error), error);
    return true;
  });
});
