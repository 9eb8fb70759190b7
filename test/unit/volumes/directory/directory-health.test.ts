import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { PoolConfig } from '../../../../src/config/schema.ts';
import { CsiError } from '../../../../src/errors/csi-error.ts';
import { CommandError } from '../../../../src/host/command-error.ts';
import { parseMountinfo } from '../../../../src/host/mountinfo.ts';
import {
  DirectoryHealth,
  type DirectoryHealthDeps,
} from '../../../../src/volumes/directory/directory-health.ts';

const nas: PoolConfig = {
  kind: 'nfs',
  name: 'nas',
  nfs: { server: '10.0.0.5', path: '/k8s', mountOptions: [] },
};
const backup: PoolConfig = { ...nas, name: 'backup' };

const table = parseMountinfo(`
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /state/node/nas/0123 rw - nfs4 10.0.0.5:/k8s rw
3 1 0:6 / /state/node/backup/4567 rw - nfs4 10.0.0.6:/k8s rw
4 1 0:5 / /pods/one rw - nfs4 10.0.0.5:/k8s/pvc-1 rw
`);
const at = (path: string) => table.filter(({ mountPoint }) => mountPoint === path);

/** What `stat -f` ended with; it is the one command that is asked of a mount. */
function ended(outcome: { stderr?: string; timedOut?: boolean }): CommandError {
  const { stderr = '', timedOut = false } = outcome;
  return new CommandError({
    file: 'stat',
    exitCode: timedOut ? undefined : 1,
    timedOut,
    timeoutMs: 5_000,
    stdout: '',
    stderr,
  });
}

/** A node on which asking a file system fails so, with the volume nas/pvc-1 at /pods/one. */
function healthWhere(failure: unknown, changes: Partial<DirectoryHealthDeps> = {}) {
  return new DirectoryHealth({
    pools: new Map([nas, backup].map((pool) => [pool.name, pool])),
    mounts: {
      held: () => [
        ...at('/state/node/nas/0123').map((mount) => ({ pool: 'nas', mount })),
        ...at('/state/node/backup/4567').map((mount) => ({ pool: 'backup', mount })),
      ],
      failureOf: () => undefined,
    },
    probe: { ask: () => Promise.reject(failure) },
    published: { at: (_, path) => at(path)[0], placesOf: () => at('/pods/one') },
    stagedAt: () => undefined,
    ...changes,
  });
}

const cases = [
  {
    what: 'a server that does not answer in time',
    failure: ended({ timedOut: true }),
    volume: 'INACCESSIBLE ServerNotAnswering',
    pool: 'STORAGE_UNREACHABLE ServerNotAnswering',
    says: /does not answer/,
  },
  {
    what: 'a soft mount that has given up',
    failure: ended({ stderr: "stat: cannot read file system information for '/x': Input/output error" }),
    volume: 'INACCESSIBLE ServerNotAnswering',
    pool: 'STORAGE_UNREACHABLE ServerNotAnswering',
    says: /does not answer/,
  },
  {
    what: 'a server that was rebuilt',
    failure: ended({ stderr: "stat: cannot read file system information for '/x': Stale file handle" }),
    volume: 'INACCESSIBLE StaleMount',
    pool: 'STORAGE_UNREACHABLE StaleMount',
    says: /restart the pods/,
  },
  {
    what: 'an error that nothing is known of',
    failure: ended({ stderr: "stat: cannot read file system information for '/x': Permission denied" }),
    volume: 'DEGRADED CannotBeRead',
    pool: 'STORAGE_DEGRADED CannotBeRead',
    says: /gave an error/,
  },
];

for (const { what, failure, volume, pool, says } of cases) {
  test(`${what} is ${volume} for the volume and ${pool} for its pool`, async () => {
    const health = healthWhere(failure);
    for (const path of ['', '/pods/one']) {
      const [first, ...others] = await health.ofVolume('nas/pvc-1', path);
      assert.equal(`${first?.status} ${first?.reason}`, volume);
      assert.match(first?.message ?? '', says);
      assert.match(first?.message ?? '', /^The volume .*\.$/);
      assert.deepEqual(others, []);
    }
    const [first, ...others] = await health.ofPools();
    assert.equal(`${first?.status} ${first?.reason}`, pool);
    assert.match(first?.message ?? '', /^The pool nas .*\. The pool backup .*\.$/);
    assert.deepEqual(others, [], 'the spec allows one entry for each reason');
  });

  test(`${what} makes statistics unavailable, with the reason`, async () => {
    await assert.rejects(healthWhere(failure).usage('nas/pvc-1', '/pods/one'), (error) => {
      assert.ok(error instanceof CsiError);
      assert.equal(error.code, status.UNAVAILABLE);
      assert.match(error.message, says);
      assert.equal(error.cause, failure);
      return true;
    });
  });
}

test('a pool that could not be mounted is told with the reason, until it is mounted', async () => {
  const message = 'The server of the pool nas refuses the export to this node.';
  const failure = new CsiError(status.PERMISSION_DENIED, 'export-denied', message);
  const well = {
    ask: async () => ({
      totalBytes: 1n,
      usedBytes: 0n,
      availableBytes: 1n,
      totalInodes: 1n,
      usedInodes: 0n,
      freeInodes: 1n,
    }),
  };
  const failureOf = (pool: string) => (pool === 'nas' ? failure : undefined);
  const staged = {
    probe: well,
    mounts: { held: () => [], failureOf },
    published: { at: () => undefined, placesOf: () => [] },
    stagedAt: () => ({ pool: nas, subDir: 'pvc-1' }),
  };
  const health = healthWhere(undefined, staged);
  assert.deepEqual(await health.ofPools(), [
    { status: 'STORAGE_UNREACHABLE', reason: 'MountFailed', message },
  ]);
  assert.deepEqual(await health.ofVolume('nas/pvc-1', ''), [
    { status: 'INACCESSIBLE', reason: 'MountFailed', message },
  ]);
  const held = () => at('/state/node/nas/0123').map((mount) => ({ pool: 'nas', mount }));
  const mounted = healthWhere(undefined, { ...staged, mounts: { held, failureOf } });
  assert.deepEqual(await mounted.ofPools(), []);
  assert.deepEqual(await mounted.ofVolume('nas/pvc-1', ''), []);
});
