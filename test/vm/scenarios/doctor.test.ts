// What berth doctor says of NFS pools, and that it leaves nothing behind.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lineOf, type Told } from '../../integration/doctor/doctor.ts';
import { a, b, c, type Host, type NfsServer, nas, nas2, nfsPool, waitFor } from '../guest/bed.ts';
import { Cluster, publish, stage, unpublish, unstage } from '../guest/cluster.ts';

const launcher = resolve(import.meta.dirname, '../../../bin/berth');
const stateDir = '/var/lib/berth-doctor';

/** Starts a doctor on a host. */
function begin(host: Host, pools: Readonly<Record<string, object>>, ...flags: string[]) {
  const config = `/tmp/doctor-${Math.random().toString(36).slice(2)}.json`;
  writeFileSync(config, JSON.stringify({ pools }));
  const child = host.start(
    [launcher, 'doctor', '--json', '--config', config, '--state-dir', stateDir, '--timeout', '30', ...flags],
    { BERTH_NODE_BINARY: process.execPath },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<{ status: number | null; output: string }>((done) => {
    child.once('close', (status) => done({ status, output }));
  });
  return { child, ended };
}

async function examine(
  host: Host,
  pools: Readonly<Record<string, object>>,
): Promise<Told & { status: number | null }> {
  const { status, output } = await begin(host, pools).ended;
  return { status, ...(JSON.parse(output) as Told) };
}

/** What a doctor has left on a host or a server. */
function left(host: Host, ...servers: NfsServer[]): string[] {
  const folders = servers.flatMap((server) => [server.export, join(server.export, '.berth')]);
  const files = folders.flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith('doctor-'));
    } catch {
      // No controller has met this pool.
      return [];
    }
  });
  return [...files, ...host.mountsBelow(stateDir).map(({ mountPoint }) => mountPoint)];
}

/** A directory on a server, as a pool of its own. */
function fresh(t: TestContext, server: NfsServer, name: string, options?: readonly string[], mode = 0o777) {
  const directory = join(server.export, name);
  mkdirSync(directory);
  // Not by mkdir, which the umask narrows: root may be squashed.
  chmodSync(directory, mode);
  t.after(() => rmSync(directory, { recursive: true }));
  const pool = nfsPool(server, options);
  return { ...pool, nfs: { ...pool.nfs, path: `/${name}` } };
}

test('a good export is well, and a driver beside the doctor keeps its volumes', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas) });
  const node = cluster.node('a');
  const volume = await cluster.create('examined');
  await stage(volume, node);
  const target = await publish(volume, node, 'pod');
  const before = node.mounts();

  const told = await examine(a, { nas: nfsPool(nas) });
  assert.equal(told.status, 0, JSON.stringify(told));
  for (const check of [
    'reachable',
    'export',
    'protocol',
    'state',
    'write',
    'owners',
    'groups',
    'clock',
    'clone',
    'locks',
  ]) {
    assert.equal(lineOf(told, 'nas', check).verdict, 'ok', check);
  }
  assert.match(lineOf(told, 'nas', 'reachable').says, new RegExp(`sees this machine as ${a.address}`));
  assert.match(lineOf(told, 'nas', 'protocol').says, /^NFSv4\.2 over tcp, sec=sys/);
  assert.match(lineOf(told, 'nas', 'clone').says, /^It clones/);
  assert.equal(lineOf(told, null, 'kernel-nfs').verdict, 'ok');
  // The bed's hosts are namespaces of one machine.
  assert.equal(lineOf(told, null, 'network').verdict, 'warn');

  assert.deepEqual(left(a, nas), []);
  assert.deepEqual(node.mounts(), before);
  await a.run('touch', `${target}/alive`);
  await unpublish(volume, node, 'pod');
  await unstage(volume, node);
  await cluster.csi.DeleteVolume({ volume_id: volume.id });
});

test('a server that is cut off is told of, and so is the one that answers', async (t) => {
  const pools = { dead: nfsPool(nas), alive: fresh(t, nas2, 'alive') };
  await nas.cut();
  t.after(() => nas.restore());
  const told = await examine(a, pools);
  assert.equal(told.status, 1);
  assert.match(lineOf(told, 'dead', 'reachable').says, /does not answer on port 2049/);
  assert.equal(lineOf(told, 'alive', 'write').verdict, 'ok');
  assert.deepEqual(left(a, nas2), []);
});

test('a server that is cut off in the middle keeps the doctor no longer than its limits', async (t) => {
  const doctor = begin(b, { nas: fresh(t, nas, 'cut') });
  await waitFor('the pool is mounted', () => b.mountsBelow(stateDir).length > 0);
  await nas.cut();
  t.after(() => nas.restore());
  const { status, output } = await doctor.ended;
  assert.equal(status, 1, output);
  assert.match(output, /did not answer within 30 s|does not answer|could not read or write/);
  assert.deepEqual(left(b), []);
});

test('a server that accepts and says nothing is given up', async (t) => {
  const mute = c.start([
    process.execPath,
    '-e',
    "require('node:net').createServer(() => {}).listen(2049, () => console.log('up'))",
  ]);
  t.after(() => mute.kill('SIGKILL'));
  await waitFor('it listens', async () => (await c.run('ss', '-ltn')).includes(':2049'));
  const told = await examine(a, { mute: nfsPool(c.address) });
  assert.equal(told.status, 1);
  assert.equal(lineOf(told, 'mute', 'reachable').verdict, 'ok');
  assert.match(lineOf(told, 'mute', 'export').says, /did not answer the mount within 30 s|cannot be reached/);
  assert.deepEqual(left(a), []);

  // The same, told to end while it waits for the mount.
  const doctor = begin(a, { mute: nfsPool(c.address) });
  const mounting = async () => (await a.status('pgrep', '-f', `${c.address}:/ ${stateDir}`)) === 0;
  await waitFor('it mounts', mounting);
  doctor.child.kill('SIGTERM');
  assert.equal((await doctor.ended).status, 143);
  assert.equal(await mounting(), false, 'the mount command has ended too');
  assert.deepEqual(left(a), []);
});

test('an export that does not exist is told of', async () => {
  const told = await examine(a, { nas: { nfs: { ...nfsPool(nas).nfs, path: '/no/such/export' } } });
  assert.equal(told.status, 1);
  assert.match(lineOf(told, 'nas', 'export').says, /has no such export for this node/);
  assert.deepEqual(left(a, nas), []);
});

test('root_squash is told of, and what it means for a state that root made', async (t) => {
  const pool = fresh(t, nas, 'squashed');
  await nas.squashRoot(true);
  t.after(() => nas.squashRoot(false));
  const refused = await examine(a, { shut: fresh(t, nas, 'shut', undefined, 0o755) });
  assert.match(lineOf(refused, 'shut', 'write').advice ?? '', /anonymous user/);
  const told = await examine(a, { nas: pool });
  assert.equal(told.status, 0, JSON.stringify(told));
  assert.equal(lineOf(told, 'nas', 'owners').verdict, 'warn');
  assert.match(lineOf(told, 'nas', 'owners').says, /root_squash/);
  mkdirSync(join(nas.export, 'squashed/.berth'), { mode: 0o700 });
  const locked = await examine(a, { nas: pool });
  assert.equal(locked.status, 1);
  assert.match(lineOf(locked, 'nas', 'state').says, /\.berth cannot be entered/);
  assert.deepEqual(left(a, nas), []);
});

test('NFSv3 works with its locks, and is advised against', async (t) => {
  const told = await examine(a, { nas: fresh(t, nas, 'old', ['nfsvers=3']) });
  assert.equal(told.status, 0, JSON.stringify(told));
  assert.equal(lineOf(told, 'nas', 'protocol').verdict, 'warn');
  assert.match(lineOf(told, 'nas', 'protocol').says, /^NFSv3 /);
  assert.equal(lineOf(told, 'nas', 'locks').verdict, 'ok');
  assert.deepEqual(left(a, nas), []);
});
