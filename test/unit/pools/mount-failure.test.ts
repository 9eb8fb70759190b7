import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { CommandError } from '../../../src/host/command-error.ts';
import { mountFailure } from '../../../src/pools/mount-failure.ts';

const pool = { pool: 'nas', server: 'srv', timeoutMs: 30_000 };

function failed(stderr: string, changes: { timedOut?: boolean; exitCode?: undefined } = {}) {
  const outcome = { file: 'mount.nfs', exitCode: 32, timedOut: false, timeoutMs: 30_000, stdout: '', stderr };
  return mountFailure(new CommandError({ ...outcome, ...changes }), pool);
}

const cases: readonly [string, status][] = [
  ['mount.nfs: access denied by server while mounting srv:/x', status.PERMISSION_DENIED],
  [
    'mount.nfs: mounting srv:/x failed, reason given by server: No such file or directory',
    status.FAILED_PRECONDITION,
  ],
  ['mount.nfs: Failed to resolve server srv: Name or service not known', status.UNAVAILABLE],
  ['mount.nfs: Connection refused', status.UNAVAILABLE],
  ['mount.nfs: No route to host', status.UNAVAILABLE],
  ['mount.nfs: mount system call failed', status.UNAVAILABLE],
  ['mount.nfs: Protocol not supported', status.FAILED_PRECONDITION],
  ['mount.nfs: No such device', status.FAILED_PRECONDITION],
  [
    'mount.nfs: rpc.statd is not running but is required for remote locking.\nmount.nfs: an incorrect mount option was specified',
    status.FAILED_PRECONDITION,
  ],
  ['mount.nfs: an incorrect mount option was specified', status.FAILED_PRECONDITION],
  ['mount.nfs: rpc.statd is not running but is required for remote locking.', status.FAILED_PRECONDITION],
  ['mount.nfs: something new', status.INTERNAL],
];

test('what mount.nfs says becomes a code and one sentence that names the pool and no output', () => {
  for (const [stderr, code] of cases) {
    const error = failed(stderr);
    assert.equal(status[error.code], status[code], stderr);
    assert.match(error.message, /^[A-Z].*\(pool nas\)\.$/);
    assert.ok(!error.message.includes('mount.nfs:'), error.message);
  }
});

test('a server that does not answer is UNAVAILABLE, a missing program is said to be missing', () => {
  assert.equal(failed('', { timedOut: true }).code, status.UNAVAILABLE);
  assert.match(failed('', { timedOut: true }).message, /did not answer the mount within 30 s/);
  const missing = failed('', { exitCode: undefined });
  assert.equal(missing.code, status.FAILED_PRECONDITION);
  assert.match(missing.message, /mount\.nfs is missing/);
});
