// What the machine sees of a driver in a container: mounts reach it by propagation, later changes of them do not.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { mountsBelow, readMountinfo, topmostAt } from '../../src/host/mountinfo.ts';
import { capability } from '../csi/requests.ts';
import { cleanUp } from '../support/clean-up.ts';
import { makeMachine } from '../support/driver.ts';

/** A driver whose directory is shared with this machine, and which has a mount namespace of its own. */
async function contained(t: TestContext, stateDir = 'state') {
  const machine = await makeMachine(t);
  const { directory, pool } = machine;
  await execa('mount', ['--bind', '--make-shared', directory, directory]);
  cleanUp(t, async () => {
    const left = mountsBelow(directory).filter(({ mountPoint }) => mountPoint !== directory);
    await execa('umount', ['--recursive', '--lazy', directory]);
    assert.deepEqual(left, [], 'the test left mounts behind');
  });
  mkdirSync(join(directory, 'behind'));
  symlinkSync('behind', join(directory, 'link'));
  const driver = await machine.start({
    prefix: ['unshare', '--mount', '--propagation', 'unchanged'],
    flags: ['--state-dir', join(directory, stateDir)],
  });
  mkdirSync(join(pool, 'data'));
  writeFileSync(join(pool, 'data', 'file'), 'text');
  mkdirSync(join(directory, 'staging'));
  const request = (name: string, mount_flags: string[] = []) => ({
    volume_id: 'static',
    staging_target_path: join(directory, 'staging'),
    target_path: join(directory, name),
    volume_context: { pool: 'scratch', subDir: 'data' },
    volume_capability: { ...capability(), mount: { mount_flags } },
  });
  return { directory, driver, request };
}

const optionsAt = (path: string) => topmostAt(readMountinfo(), path)?.options.split(',') ?? [];

test('a volume that is published read-only, or with flags, is so for the machine too', async (t) => {
  const { directory, driver, request } = await contained(t);
  const { Node } = driver.csi;
  await Node.NodeStageVolume(request('any'));
  const readOnly = { ...request('reader'), readonly: true };
  const flagged = request('flagged', ['noexec', 'noatime']);
  const plain = request('writer');
  for (const each of [readOnly, flagged, plain]) await Node.NodePublishVolume(each);

  const reader = optionsAt(readOnly.target_path);
  assert.ok(reader.includes('ro'), String(reader));
  await assert.rejects(execa('touch', [join(readOnly.target_path, 'mine')]), /Read-only file system/);
  const restricted = optionsAt(flagged.target_path);
  for (const flag of ['rw', 'noexec', 'noatime']) assert.ok(restricted.includes(flag), String(restricted));
  writeFileSync(join(plain.target_path, 'mine'), '');

  for (const each of [readOnly, flagged, plain]) await Node.NodeUnpublishVolume(each);
  await Node.NodeUnstageVolume(request('any'));
  assert.deepEqual(readdirSync(join(directory, 'state', 'node', '.aside')), []);
});

test('a state directory behind a symbolic link is no other place: nothing stays mounted', async (t) => {
  const { directory, driver, request } = await contained(t, 'link/state');
  const reader = { ...request('reader'), readonly: true };
  await driver.csi.Node.NodeStageVolume(request('any'));
  await driver.csi.Node.NodePublishVolume(reader);
  const mounted = mountsBelow(directory).map(({ mountPoint }) => mountPoint);
  assert.deepEqual(mounted, [reader.target_path]);
  await driver.csi.Node.NodeUnpublishVolume(reader);
  await driver.csi.Node.NodeUnstageVolume(request('any'));
  assert.deepEqual(readdirSync(join(directory, 'behind', 'state', 'node', '.aside')), []);
});
