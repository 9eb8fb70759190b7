import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PoolConfig } from '../../../src/config/schema.ts';
import { meaningless } from '../../../src/doctor/pool/meaningless.ts';

const nfs = (mountOptions: string[]): PoolConfig => ({
  kind: 'nfs',
  name: 'nas',
  nfs: { server: '10.0.0.5', path: '/x', mountOptions },
});

test('groups are tried on NFS alone, and not for users that Kerberos does not know', () => {
  assert.deepEqual(meaningless(nfs([]), 'sys'), []);
  assert.deepEqual(meaningless(nfs([]), 'krb5p'), ['groups']);
  const local: PoolConfig = { kind: 'local', name: 'scratch', local: { path: '/x' } };
  assert.deepEqual(meaningless(local, 'sys'), ['groups', 'clock', 'locks']);
});

test('locks that an option keeps on this machine are not tried', () => {
  for (const option of ['nolock', 'local_lock=all', 'local_lock=flock']) {
    assert.deepEqual(meaningless(nfs([option]), 'sys'), ['locks']);
  }
  assert.deepEqual(meaningless(nfs(['local_lock=posix']), 'sys'), []);
});
