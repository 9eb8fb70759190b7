import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { isErrno } from '../../../src/errors/errno.ts';
import { fromNodeError } from '../../../src/errors/node-error.ts';

function failed(code: string, errno: number): Error {
  return Object.assign(new Error(code), { code, errno });
}

test('an errno that libuv has no name for is known by its number', () => {
  const stale = failed('Unknown system error -116', -116);
  assert.ok(isErrno(stale, 'ESTALE'));
  assert.ok(!isErrno(stale, 'ENOENT'));
  const full = fromNodeError(failed('Unknown system error -122', -122), 'nas');
  assert.ok(full instanceof CsiError && full.code === 8);
});

test('an error that is no errno stays what it is', () => {
  const error = new TypeError('x');
  assert.equal(isErrno(error), false);
  assert.equal(fromNodeError(error, 'nas'), error);
});

test('each errno of a pool becomes a sentence with the code for it', () => {
  for (const [code, errno, expected] of [
    ['ENOSPC', -28, 8],
    ['EROFS', -30, 9],
    ['EACCES', -13, 7],
    ['EIO', -5, 14],
    ['ENAMETOOLONG', -36, 3],
  ] as const) {
    const error = fromNodeError(failed(code, errno), 'nas');
    assert.ok(error instanceof CsiError);
    assert.equal(error.code, expected);
    assert.match(error.message, /^The pool nas .*\.$/);
  }
});
