import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from '../../../src/host/command-error.ts';
import { type Mount, parseMountinfo } from '../../../src/host/mountinfo.ts';
import { StillMountedError, unmount } from '../../../src/host/unmount.ts';

/** A machine with `layers` mounts at /t, where only these ways of umount take one away. */
function machine(layers: number, works: (way: string) => boolean, answer: 'ok' | 'hang' | 'busy' = 'ok') {
  const state = { layers, calls: [] as string[] };
  return {
    state,
    readMountinfo: (): Mount[] => parseMountinfo('9 1 0:5 / /t rw - nfs4 s:/x rw\n'.repeat(state.layers)),
    async run(file: string, args: readonly string[]) {
      const way = args.find((arg) => arg === '-f' || arg === '-l') ?? 'plain';
      state.calls.push(way);
      assert.ok(
        args.includes('-c') && args.includes('-i'),
        'no path is looked at, no helper asks the server',
      );
      const worked = works(way);
      if (worked) state.layers -= 1;
      if (worked && answer === 'ok') return '';
      throw new CommandError({
        file,
        exitCode: answer === 'hang' ? undefined : 32,
        timedOut: answer === 'hang',
        timeoutMs: 1,
        stdout: '',
        stderr: 'umount: /t: target is busy.',
      });
    },
  };
}

test('a path where nothing is mounted needs no command', async () => {
  const host = machine(0, () => true);
  await unmount('/t', { host });
  assert.deepEqual(host.state.calls, []);
});

test('a busy mount is taken away by force, then lazily', async () => {
  const host = machine(1, (way) => way === '-l', 'busy');
  await unmount('/t', { host });
  assert.deepEqual(host.state.calls, ['plain', '-f', '-l']);
});

test('without force nobody else loses calls in flight', async () => {
  const host = machine(1, (way) => way === '-l');
  await unmount('/t', { host, force: false });
  assert.deepEqual(host.state.calls, ['plain', '-l']);
});

test('an umount that hangs but has detached the mount is done', async () => {
  const host = machine(1, () => true, 'hang');
  await unmount('/t', { host });
  assert.deepEqual(host.state.calls, ['plain']);
});

test('stacked mounts all go', async () => {
  const host = machine(3, () => true);
  await unmount('/t', { host });
  assert.equal(host.state.layers, 0);
});

test('an umount that reports success and did nothing is an error', async () => {
  const host = machine(1, () => false);
  host.run = async () => '';
  await assert.rejects(unmount('/t', { host }), (error) => {
    assert.ok(error instanceof StillMountedError);
    assert.match(error.message, /^\/t is still mounted/);
    return true;
  });
});
