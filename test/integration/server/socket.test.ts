import assert from 'node:assert/strict';
import { existsSync, watch } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from '../../csi/requests.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { makeMachine } from '../../support/driver.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';

test('a socket that a killed driver left behind is taken over', async (t) => {
  const machine = await makeMachine(t);
  const first = await machine.start();
  await first.end('SIGKILL');
  assert.ok(existsSync(join(machine.directory, 'csi.sock')));
  const second = await machine.start();
  assert.deepEqual((await second.csi.Identity.Probe({})).ready, { value: true });
});

test('a socket that a driver listens on is refused, and that driver goes on', async (t) => {
  const machine = await makeMachine(t);
  const first = await machine.start();
  await assert.rejects(
    machine.run(['all', '--endpoint', `unix://${machine.directory}/csi.sock`, '--node-id', 'x']),
    /status 2: berth: --endpoint .*another process listens on it/,
  );
  await first.csi.Identity.Probe({});
});

test('something that is not a socket is never removed', async (t) => {
  const machine = await makeMachine(t);
  const file = join(machine.directory, 'precious');
  await writeFile(file, 'x');
  await assert.rejects(
    machine.run(['all', '--endpoint', `unix://${file}`, '--node-id', 'x']),
    /status 2: berth: --endpoint .*not a socket/,
  );
  assert.ok((await stat(file)).isFile());
});

test('only root may call the driver', async (t) => {
  const machine = await makeMachine(t);
  await machine.start();
  assert.equal((await stat(join(machine.directory, 'csi.sock'))).mode & 0o777, 0o600);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets what runs come to its end, removes the socket and ends with status 0`, async (t) => {
    const machine = await makeMachine(t);
    const driver = await machine.start();
    const names = Array.from({ length: 50 }, (_, index) => `pvc-${index}`);
    const calls = names.map((name) => driver.csi.Controller.CreateVolume(request(name)));
    const first = await Promise.race(calls);
    assert.ok(first.volume);
    const status = await driver.end(signal);
    assert.equal(status, 0);
    const made = (await Promise.allSettled(calls)).filter((result) => result.status === 'fulfilled').length;
    const records = await readdir(join(machine.pool, '.berth/volumes'));
    const directories = (await readdir(machine.pool)).filter((name) => name !== '.berth');
    assert.equal(records.length, directories.length, 'no volume is half made');
    assert.ok(records.length >= made);
    assert.ok(!existsSync(join(machine.directory, 'csi.sock')));
  });
}

test('secrets and mount options reach neither the log nor an error', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: ['--log-level', 'trace'] });
  const secret = 'hunter2-hunter2';
  const calls = [
    driver.csi.Controller.CreateVolume({ ...request('pvc-1'), secrets: { password: secret } }),
    driver.csi.Controller.CreateVolume({
      ...request('pvc-2'),
      volume_capabilities: [
        { access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' }, mount: { mount_flags: [`username=${secret}`] } },
      ],
    }),
    driver.csi.Controller.CreateVolume({
      ...request('pvc-3', { pool: secret }),
      secrets: { password: secret },
    }),
  ];
  const results = await Promise.allSettled(calls);
  const errors = results.flatMap((result) =>
    result.status === 'rejected' ? [String(result.reason.details)] : [],
  );
  assert.equal(errors.length, 2);
  assert.ok(!errors.join('\n').includes(secret));
  await driver.end('SIGTERM');
  const log = driver.log();
  assert.match(log, /stripped/);
  // The pool's name is a parameter and no secret: it is in the request that the debug log shows.
  assert.ok(!log.replaceAll(`"pool":"${secret}"`, '').includes(secret), 'the secret is in the log');
});

test('a socket that is there is answered on, and is gone once the driver has ended', async (t) => {
  const machine = await makeMachine(t);
  const seen: string[] = [];
  const watcher = watch(machine.directory, (_event, name) => seen.push(String(name)));
  cleanUp(t, () => watcher.close());
  const driver = await machine.start();
  await waitFor('the socket was seen', () => seen.includes('csi.sock'));
  // It had another name until its own first call was answered.
  const aside = seen.findIndex((name) => name.startsWith('csi.sock~'));
  assert.ok(aside >= 0 && aside < seen.indexOf('csi.sock'), seen.join(' '));
  assert.match(driver.log(), /"serving"/);
  assert.equal(await driver.end('SIGTERM'), 0);
  assert.deepEqual(
    (await readdir(machine.directory)).filter((name) => name.startsWith('csi.sock')),
    [],
  );
});
