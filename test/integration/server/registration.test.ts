import assert from 'node:assert/strict';
import { existsSync, lstatSync, watch } from 'node:fs';
import { mkdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { KubeletRegistration } from '../../../src/registration/kubelet-registration.ts';
import { request } from '../../csi/requests.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { makeMachine } from '../../support/driver.ts';
import { FakeKubelet } from '../../support/fake-kubelet.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const socketName = 'csi.berth.dev-reg.sock';

async function makeNode(t: TestContext) {
  const machine = await makeMachine(t);
  const kubelet = new FakeKubelet(t, join(machine.directory, 'plugins_registry'));
  const flags = ['--registration-dir', kubelet.directory];
  return { machine, kubelet, flags, socket: join(kubelet.directory, socketName) };
}

test('kubelet finds the driver, is told its endpoint and reaches it there', async (t) => {
  const { machine, kubelet, flags, socket } = await makeNode(t);
  kubelet.start();
  const driver = await machine.start({ mode: 'node', nodeId: 'worker-7', flags });
  await kubelet.until(() => kubelet.registered.has(socketName));
  assert.deepEqual(kubelet.registered.get(socketName), {
    type: 'CSIPlugin',
    name: 'csi.berth.dev',
    endpoint: join(machine.directory, 'csi.sock'),
    supported_versions: ['1.0.0'],
    nodeId: 'worker-7',
  });
  assert.equal(lstatSync(socket).mode & 0o777, 0o600, 'only root may call it');
  await driver.end('SIGTERM');
  assert.match(driver.log(), /registered with kubelet/);
});

test('a kubelet that starts anew finds a driver that was there before', async (t) => {
  const { machine, kubelet, flags } = await makeNode(t);
  await machine.start({ flags });
  for (let start = 0; start < 2; start += 1) {
    kubelet.start();
    await kubelet.until(() => kubelet.registered.has(socketName));
    kubelet.stop();
  }
});

test('a driver that was killed is registered again when it is back', async (t) => {
  const { machine, kubelet, flags, socket } = await makeNode(t);
  kubelet.start();
  const first = await machine.start({ nodeId: 'first', flags });
  await kubelet.until(() => kubelet.registered.get(socketName)?.nodeId === 'first');
  await first.end('SIGKILL');
  assert.ok(existsSync(socket), 'a killed driver cannot take its socket away');
  await machine.start({ nodeId: 'second', flags });
  await kubelet.until(() => kubelet.registered.get(socketName)?.nodeId === 'second');
});

test('a driver that ends takes its registration away first, and then its own socket', async (t) => {
  const { machine, kubelet, flags, socket } = await makeNode(t);
  kubelet.start();
  const driver = await machine.start({ flags });
  await kubelet.until(() => kubelet.registered.has(socketName));
  const gone: string[] = [];
  for (const path of [socket, join(machine.directory, 'csi.sock')]) {
    // Both are told by one inotify queue, in the order in which they happened.
    const watcher = watch(dirname(path), (_, name) => {
      if (name !== null && path.endsWith(`/${name}`) && !existsSync(path)) gone.push(name);
    });
    cleanUp(t, () => watcher.close());
  }
  const calls = Array.from({ length: 20 }, (_, index) =>
    driver.csi.Controller.CreateVolume(request(`pvc-${index}`)),
  );
  await Promise.race(calls);
  assert.equal(await driver.end('SIGTERM'), 0);
  await Promise.allSettled(calls);
  await kubelet.until(() => !kubelet.registered.has(socketName));
  assert.ok(!existsSync(socket));
  assert.deepEqual([...new Set(gone)], [socketName, 'csi.sock']);
});

test('two drivers of different names are registered beside each other', async (t) => {
  const { machine, kubelet, flags } = await makeNode(t);
  kubelet.start();
  const first = await machine.start({ flags });
  await machine.start({ name: 'other', flags: [...flags, '--driver-name', 'other.example.com'] });
  await kubelet.until(() => kubelet.registered.size === 2);
  await first.end('SIGTERM');
  await kubelet.until(() => kubelet.registered.size === 1);
  assert.ok(kubelet.registered.has('other.example.com-reg.sock'));
});

test('a second driver of the same name is refused, and the first one stays registered', async (t) => {
  const { machine, kubelet, flags, socket } = await makeNode(t);
  kubelet.start();
  await machine.start({ flags });
  await kubelet.until(() => kubelet.registered.has(socketName));
  const endpoint = join(machine.directory, 'second.sock');
  await assert.rejects(
    machine.run(['all', '--endpoint', `unix://${endpoint}`, '--node-id', 'x', ...flags]),
    /berth: --registration-dir .*another process listens on it/,
  );
  assert.ok(existsSync(socket));
  assert.ok(!existsSync(endpoint), 'it has served nothing');
  kubelet.stop();
  kubelet.start();
  await kubelet.until(() => kubelet.registered.has(socketName));
});

test('a refused registration is told, and offered again until kubelet takes it', async (t) => {
  const { machine, kubelet, flags } = await makeNode(t);
  kubelet.refuse = 2;
  kubelet.start();
  const driver = await machine.start({ flags });
  await kubelet.until(() => kubelet.registered.has(socketName));
  assert.equal(kubelet.refuse, 0);
  await driver.end('SIGTERM');
  const errors = driver
    .log()
    .split('\n')
    .filter((line) => line.includes('"level":50'));
  assert.equal(errors.length, 2);
  for (const line of errors)
    assert.match(line, /kubelet did not register the driver \(this kubelet is in a bad/);
});

/** A registration without a driver around it, which looks at its socket often. */
async function alone(t: TestContext) {
  const directory = await temporaryDirectory(t);
  const socket = join(directory, 'plugins_registry', socketName);
  await mkdir(dirname(socket));
  const registration = new KubeletRegistration({
    socket,
    driverName: 'csi.berth.dev',
    endpoint: join(directory, 'csi.sock'),
    log: pino({ level: 'silent' }),
    lookEveryMs: 20,
    firstRetryMs: 20,
  });
  await registration.start();
  cleanUp(t, () => registration.stop());
  return { socket, registration };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a registration socket that somebody removed is made anew', async (t) => {
  const { socket } = await alone(t);
  for (let time = 0; time < 3; time += 1) {
    await unlink(socket);
    await until(() => existsSync(socket));
  }
});

test('a registration folder that is gone is not made anew: the driver waits until kubelet has made it', async (t) => {
  const { socket, registration } = await alone(t);
  const directory = dirname(socket);
  await rm(directory, { recursive: true });
  await until(() => registration.state.state === 'refused');
  assert.match(
    registration.state.reason,
    /--registration-dir .*: there is no such directory; name kubelet's/,
  );
  await sleep(100);
  assert.ok(!existsSync(directory));
  assert.equal(registration.state.state, 'refused');
  await mkdir(directory);
  await until(() => registration.state.state === 'waiting' && existsSync(socket));
});

/** Has every look at the socket fail with ELOOP; returns what undoes that. */
async function blind(socket: string): Promise<() => Promise<void>> {
  const directory = dirname(socket);
  await rename(directory, `${directory}.away`);
  await symlink(directory, directory);
  return async () => {
    await unlink(directory);
    await rename(`${directory}.away`, directory);
  };
}

test('a registration socket that cannot be looked at is a reason to look again', async (t) => {
  const { socket, registration } = await alone(t);
  const undo = await blind(socket);
  await until(() => registration.state.state === 'refused');
  assert.match(registration.state.reason, /--registration-dir .*: it cannot be looked at \(ELOOP\)/);
  await undo();
  await unlink(socket);
  await until(() => registration.state.state === 'waiting' && existsSync(socket));
});

test('a driver that ends while its registration socket cannot be looked at ends all the same, and closes nothing', async (t) => {
  const { socket, registration } = await alone(t);
  const undo = await blind(socket);
  await registration.stop();
  await undo();
  assert.ok(existsSync(socket), 'closing would have removed what may be another driver');
});

/** Puts a socket of somebody else in the place of the registration's; returns what closes it. */
async function replace(socket: string): Promise<() => Promise<unknown>> {
  await unlink(socket);
  const foreign = createServer();
  await new Promise<void>((resolve) => foreign.listen(socket, resolve));
  return () => new Promise((resolve) => foreign.close(resolve));
}

test("another driver's socket in the same place is left alone, and replaced when that one is gone", async (t) => {
  const { socket, registration } = await alone(t);
  const close = await replace(socket);
  await until(() => registration.state.state === 'refused');
  assert.match(registration.state.reason, /another process listens/);
  await close();
  await until(() => registration.state.state === 'waiting' && existsSync(socket));
});

test("a driver that ends does not remove another driver's socket", async (t) => {
  const { socket, registration } = await alone(t);
  const close = await replace(socket);
  await registration.stop();
  assert.ok(existsSync(socket));
  await close();
});
