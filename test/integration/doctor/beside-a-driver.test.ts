import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { request } from '../../csi/requests.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { makeMachine } from '../../support/driver.ts';
import { FakeKubelet } from '../../support/fake-kubelet.ts';
import type { Told } from './doctor.ts';
import { lineOf } from './doctor.ts';

test('it looks at a driver that runs, whose volumes and calls it does not touch', async (t) => {
  const machine = await makeMachine(t);
  const kubelet = new FakeKubelet(t, join(machine.directory, 'plugins_registry'));
  // kubelet's folder, of which a driver in a container has a shared mount.
  await execa`mount --bind ${machine.directory} ${machine.directory}`;
  cleanUp(t, () => execa`umount ${machine.directory}`);
  await execa`mount --make-private ${machine.directory}`;
  const driver = await machine.start({ flags: ['--registration-dir', kubelet.directory] });
  await driver.csi.Controller.CreateVolume(request('pvc-1'));
  const flags = ['--state-dir', join(machine.directory, 'state'), '--registration-dir', kubelet.directory];
  const endpoint = ['--endpoint', `unix://${machine.directory}/csi.sock`];
  const examine = async (...more: string[]) =>
    JSON.parse(await machine.run(['doctor', '--json', ...flags, ...endpoint, ...more])) as Told;

  await assert.rejects(examine(), /status 1: .*are not shared, so pods would not see their volumes/);
  await execa`mount --make-shared ${machine.directory}`;
  const told = await examine('--node-id', 'node-1');
  assert.equal(lineOf(told, null, 'propagation').verdict, 'ok');
  assert.equal(lineOf(told, null, 'driver').verdict, 'ok');
  assert.equal(lineOf(told, null, 'registration').verdict, 'ok');
  assert.equal(lineOf(told, 'scratch', 'state').says, 'Berth keeps its state in it.');
  const unknown = await examine('--node-id', 'node-2');
  assert.equal(lineOf(unknown, 'scratch', 'state').verdict, 'warn');
  assert.match(lineOf(unknown, 'scratch', 'state').says, /node-2 has not announced itself/);

  const { entries } = await driver.csi.Controller.ListVolumes({});
  assert.deepEqual(
    entries.map(({ volume }) => volume?.volume_id),
    ['scratch/pvc-1'],
  );
  await driver.end('SIGKILL');
  await assert.rejects(examine(), /status 1: .*the process that made the socket is gone/);
});
