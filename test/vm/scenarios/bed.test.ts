// Proves the bed itself: what the other scenarios do to servers and nodes has the effect they count on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { a, added, b, type Host, nas, nas2, setName, total, waitFor } from '../guest/bed.ts';

async function mount(t: TestContext, host: Host, source: string, options: string): Promise<string> {
  const directory = `/mnt/bed-${host.name}-${Math.random().toString(36).slice(2)}`;
  mkdirSync(directory);
  await host.run('mount', '-t', 'nfs', '-o', options, source, directory);
  t.after(() => host.run('umount', '-l', '--no-canonicalize', directory));
  return directory;
}

/** Whether a command answers; false if it had to be killed after these seconds. */
async function answers(host: Host, seconds: number, ...command: string[]): Promise<boolean> {
  return (await host.status('timeout', '-s', 'KILL', String(seconds), ...command)) === 0;
}

for (const options of ['nfsvers=4.2', 'nfsvers=4.1', 'nfsvers=3']) {
  test(`two nodes share a file and its lock with ${options}`, async (t) => {
    const onA = await mount(t, a, `${nas.address}:/`, options);
    const onB = await mount(t, b, `${nas.address}:/`, options);
    await a.run('sh', '-c', `echo hello >${onA}/shared`);
    assert.equal(await b.run('cat', `${onB}/shared`), 'hello');
    assert.equal(readFileSync(`${nas.export}/shared`, 'utf8'), 'hello\n');

    const holder = a.start([
      'flock',
      '--no-fork',
      `${onA}/shared`,
      'sh',
      '-c',
      'echo locked; exec sleep 600',
    ]);
    await once(holder.stdout, 'data');
    assert.equal(await b.status('flock', '--nonblock', `${onB}/shared`, 'true'), 1);
    holder.kill('SIGKILL');
    await once(holder, 'close');
  });
}

test('mounts are seen on their own node only, operations are counted', async (t) => {
  const onA = await mount(t, a, `${nas.address}:/`, 'nfsvers=4.2');
  assert.equal(a.mountsBelow(onA).length, 1);
  assert.equal(b.mountsBelow(onA).length, 0);
  const before = a.operations(onA);
  await a.run('mkdir', `${onA}/counted`);
  const operations = added(before, a.operations(onA));
  assert.equal(operations.get('CREATE')?.count, 1);
  assert.ok(total(operations) >= 1);
});

test('a server that is cut off answers nothing, the other one does; restored it answers again', async (t) => {
  const dead = await mount(t, a, `${nas.address}:/`, 'nfsvers=4.2');
  const alive = await mount(t, a, `${nas2.address}:/`, 'nfsvers=4.2');
  await nas.cut();
  t.after(() => nas.restore());
  assert.equal(await answers(a, 3, 'touch', `${dead}/cut`), false);
  assert.equal(await answers(a, 30, 'touch', `${alive}/not-cut`), true);
  await nas.restore();
  await waitFor('the server answers again', () => answers(a, 10, 'touch', `${dead}/restored`));
});

test('a node that is cut off is alone', async (t) => {
  const onA = await mount(t, a, `${nas.address}:/`, 'nfsvers=4.2');
  const onB = await mount(t, b, `${nas.address}:/`, 'nfsvers=4.2');
  await a.cut();
  t.after(() => a.restore());
  assert.equal(await answers(a, 3, 'touch', `${onA}/from-a`), false);
  assert.equal(await answers(b, 30, 'touch', `${onB}/from-b`), true);
  await a.restore();
  await waitFor('the node is back', () => answers(a, 10, 'touch', `${onA}/from-a`));
});

test('files outlive a restart of the server', async (t) => {
  const onA = await mount(t, a, `${nas.address}:/`, 'nfsvers=4.2');
  writeFileSync(`${nas.export}/kept`, 'kept\n');
  await nas.stop();
  t.after(() => nas.start());
  assert.equal(await answers(a, 3, 'touch', `${onA}/stopped`), false);
  await nas.start();
  await waitFor('the server has started', () => answers(a, 10, 'touch', `${onA}/started`));
  assert.equal(await a.run('cat', `${onA}/kept`), 'kept');
});

test('a server is found by its name after it has moved', async (t) => {
  const moved = '10.9.0.102';
  await setName('filer.test', moved);
  await nas2.move(nas2.address, moved);
  // Hooks run in this order: the client takes its leave while the server is where it was mounted from.
  const onB = '/mnt/bed-moved';
  mkdirSync(onB);
  t.after(() => b.run('umount', '-l', '--no-canonicalize', onB));
  t.after(() => nas2.move(moved, nas2.address));
  await b.run('mount', '-t', 'nfs', '-o', 'nfsvers=4.2', 'filer.test:/', onB);
  assert.match(b.mountsBelow(onB)[0]?.superOptions ?? '', /addr=10\.9\.0\.102/);
});
