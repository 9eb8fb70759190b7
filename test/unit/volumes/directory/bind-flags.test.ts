import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountinfo } from '../../../../src/host/mountinfo.ts';
import { bindFlags, hasFlags, splitFlags } from '../../../../src/volumes/directory/bind-flags.ts';

function mountWith(options: string) {
  const [mount] = parseMountinfo(`9 1 0:5 / /p ${options} - nfs4 s:/x rw\n`);
  assert.ok(mount);
  return mount;
}

test('flags of the mount point and options of NFS are told apart', () => {
  assert.deepEqual(splitFlags(['noexec', 'nconnect=4', 'defaults', 'ro', 'hard']), {
    bind: ['noexec', 'ro'],
    nfs: ['nconnect=4', 'hard'],
  });
});

test('a bind without flags of its own keeps what it inherits, in one step', () => {
  assert.deepEqual(bindFlags(mountWith('rw,nosuid'), [], false).mount, []);
  assert.deepEqual(bindFlags(mountWith('ro,relatime'), [], true).mount, []);
});

test('flags of the pool are told again, since the kernel would drop them', () => {
  const flags = bindFlags(mountWith('rw,nosuid,noexec'), [], true);
  assert.deepEqual(flags.mount, ['ro', 'nosuid', 'dev', 'noexec']);
  assert.ok(hasFlags(mountWith('ro,nosuid,noexec'), flags.shown));
  assert.ok(!hasFlags(mountWith('ro'), flags.shown));
});

test('of contradicting flags the last one counts, and read-only before all', () => {
  assert.equal(bindFlags(mountWith('rw'), ['noexec', 'exec'], false).shown.noexec, false);
  assert.equal(bindFlags(mountWith('rw'), ['ro', 'rw'], true).shown.ro, true);
});

test('a repeated publish is compared by what the volume asks for only', () => {
  const { asked } = bindFlags(mountWith('rw,nosuid'), ['noexec'], false);
  assert.ok(hasFlags(mountWith('rw,noexec'), asked));
  assert.ok(!hasFlags(mountWith('rw'), asked));
  assert.ok(!hasFlags(mountWith('ro,noexec'), asked));
});
