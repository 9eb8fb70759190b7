import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from '../../../src/host/command-error.ts';
import { bindMount, mountNfs, nfsSource } from '../../../src/host/mount.ts';
import type { Run } from '../../../src/host/run.ts';

/** Notes the commands; those named in `failing` fail. */
function recorder(failing: readonly string[] = [], timedOut = false) {
  const calls: string[] = [];
  const run: Run = async (file, args, { timeoutMs }) => {
    calls.push([file, ...args].join(' '));
    if (!failing.includes(file)) return '';
    throw new CommandError({ file, exitCode: 32, timedOut, timeoutMs, stdout: '', stderr: '' });
  };
  return { calls, run };
}

const request = { path: '/export', target: '/t', timeoutMs: 5000 };

test('a numeric address and an explicit NFSv4.1 or later need no helper', async () => {
  const { calls, run } = recorder();
  await mountNfs(
    { ...request, server: '10.0.0.5', options: ['nfsvers=4.2', 'hard', 'retry=1', 'defaults'] },
    run,
  );
  await mountNfs({ ...request, server: 'fd00::5', options: ['vers=4.1', 'ro'] }, run);
  assert.deepEqual(calls, [
    'mount -c -n -i -t nfs -o rw,nfsvers=4.2,hard,addr=10.0.0.5 -- 10.0.0.5:/export /t',
    'mount -c -n -i -t nfs -o vers=4.1,ro,addr=fd00::5 -- [fd00::5]:/export /t',
  ]);
});

test('names, other versions and no version are left to mount.nfs, which gives up at the first refusal', async () => {
  const { calls, run } = recorder();
  await mountNfs({ ...request, server: 'nas', options: ['nfsvers=4.2'] }, run);
  await mountNfs({ ...request, server: '10.0.0.5', options: ['nfsvers=3'] }, run);
  await mountNfs({ ...request, server: '10.0.0.5', options: ['nfsvers=4', 'retry=1'] }, run);
  await mountNfs({ ...request, server: '10.0.0.5', options: [] }, run);
  assert.deepEqual(calls, [
    'mount.nfs nas:/export /t -n -o retry=0,nfsvers=4.2',
    'mount.nfs 10.0.0.5:/export /t -n -o retry=0,nfsvers=3',
    'mount.nfs 10.0.0.5:/export /t -n -o retry=0,nfsvers=4,retry=1',
    'mount.nfs 10.0.0.5:/export /t -n -o retry=0',
  ]);
});

test('where the direct mount fails the helper has the last word, but not after a timeout', async () => {
  const nfs = { ...request, server: '10.0.0.5', options: ['nfsvers=4.2'] };
  const refused = recorder(['mount']);
  await mountNfs(nfs, refused.run);
  assert.equal(refused.calls.length, 2);
  const silent = recorder(['mount'], true);
  await assert.rejects(mountNfs(nfs, silent.run), { timedOut: true });
  assert.equal(silent.calls.length, 1);
});

test('an IPv6 address stands in brackets once', () => {
  assert.equal(nfsSource('fd00::5', '/x'), '[fd00::5]:/x');
  assert.equal(nfsSource('[fd00::5]', '/x'), '[fd00::5]:/x');
  assert.equal(nfsSource('nas.lan', '/'), 'nas.lan:/');
});

test('a bind is one process, or two where the mount is to have its flags at once', async () => {
  const { calls, run } = recorder();
  const [aside, timeoutMs] = ['/no/such/aside', 1];
  await bindMount({ source: '/s', target: '/t', flags: [], aside, timeoutMs }, run);
  await bindMount({ source: '/s', target: '/t', flags: ['ro', 'noexec'], aside, timeoutMs }, run);
  assert.deepEqual(calls, [
    'mount -c -n -i -o bind -- /s /t',
    `mount -c -n -i -o bind,ro,noexec -- /s ${aside}`,
    `mount -c -n -i -o bind -- ${aside} /t`,
  ]);
});
