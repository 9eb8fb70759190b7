// Image volumes on a kernel NFS server and two nodes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type TestContext, test } from 'node:test';
import { refused } from '../../../csi/refused.ts';
import { code } from '../../../csi/requests.ts';
import { repeatUnfinished } from '../../../support/repeat-unfinished.ts';
import { type NfsServer, nas, nas2, nfsPool, waitFor } from '../../guest/bed.ts';
import {
  Cluster,
  type ClusterNode,
  left,
  publish,
  stage,
  unpublish,
  unstage,
  type Volume,
} from '../../guest/cluster.ts';

const mebibyte = 1024 * 1024;
const healLimit = 180_000;

/** A cluster whose nodes are known on the pool, which is always called nas. */
async function start(t: TestContext, server: NfsServer, version = '4.2'): Promise<Cluster> {
  const pools = { nas: nfsPool(server, [`nfsvers=${version}`]) };
  const cluster = await Cluster.start(t, pools, { leavesNothing: true });
  for (const node of cluster.nodes) {
    const record = `${server.export}/.berth/nodes`;
    await waitFor('the node has announced itself', () => readdirSync(record).includes(node.host.name));
  }
  return cluster;
}

async function up(cluster: Cluster, volume: Volume, node: ClusterNode): Promise<string> {
  await cluster.attach(volume, node);
  await stage(volume, node);
  return publish(volume, node, volume.id);
}

async function down(cluster: Cluster, volume: Volume, node: ClusterNode): Promise<void> {
  await unpublish(volume, node, volume.id);
  await unstage(volume, node);
  await cluster.detach(volume, node);
}

async function remove(cluster: Cluster, ...volumes: readonly Volume[]): Promise<void> {
  for (const volume of volumes) await cluster.csi.DeleteVolume({ volume_id: volume.id });
}

for (const version of ['4.2', '3']) {
  test(`filesystems and raw devices on NFSv${version} are used, move and grow while they are used`, async (t) => {
    const cluster = await start(t, nas, version);
    const [a, b] = [cluster.node('a'), cluster.node('b')];
    const mode = 'SINGLE_NODE_WRITER';
    const volumes = await Promise.all(
      (['ext4', 'xfs', 'raw'] as const).map((kind) =>
        cluster.create(`block-${kind}`, { kind, mode, bytes: 320 * mebibyte }),
      ),
    );
    for (const volume of volumes) {
      const target = await up(cluster, volume, a);
      for (const _ of ['again', 'and again']) {
        await stage(volume, a);
        await publish(volume, a, volume.id);
      }
      assert.equal((await a.loops()).length, 1);
      const file = volume.kind === 'raw' ? target : `${target}/file`;
      await a.host.run('dd', `of=${file}`, 'if=/etc/services', 'conv=notrunc,fsync', 'status=none');
      const pod = volume.kind === 'raw' ? readBeyond(t, a, target) : writeOn(t, a, target);
      await waitFor('the pod is at work', () => pod.written.last > 0, healLimit);
      await grow(cluster, volume, 640 * mebibyte, a);
      const before = pod.written.last;
      await waitFor('the pod goes on', () => pod.written.last > before + 2, healLimit);
      await pod.end();
      const size =
        volume.kind === 'raw'
          ? await a.host.run('blockdev', '--getsize64', target)
          : await a.host.run('findmnt', '--noheadings', '--bytes', '--output', 'SIZE', target);
      assert.ok(Number(size) > 550 * mebibyte, `${volume.kind} has ${size} bytes`);
      await a.restart();
      await down(cluster, volume, a);
      assert.deepEqual([a.mounts(), await a.loops()], [[], []]);

      await up(cluster, volume, b);
      const moved = volume.kind === 'raw' ? b.target(volume.id) : `${b.target(volume.id)}/file`;
      await b.host.run('cmp', '--bytes=2000', moved, '/etc/services');
      await b.reboot();
      await stage(volume, b);
      await publish(volume, b, volume.id);
      await b.host.run('cmp', '--bytes=2000', moved, '/etc/services');
      await down(cluster, volume, b);
      assert.deepEqual([b.mounts(), await b.loops()], [[], []]);
    }
    await remove(cluster, ...volumes);
    await waitFor('nothing is left of the volumes', () => left(/\bblock-/).length === 0);
  });
}

/** Makes a volume larger while it is used. */
async function grow(cluster: Cluster, volume: Volume, bytes: number, ...nodes: readonly ClusterNode[]) {
  const asked = { volume_id: volume.id, capacity_range: { required_bytes: String(bytes) } };
  assert.equal((await cluster.csi.ControllerExpandVolume(asked)).node_expansion_required, true);
  for (const node of nodes)
    await node.csi.NodeExpandVolume({ ...asked, volume_path: node.target(volume.id) });
}

/** A pod that has a device open, and tells 1, and counts on while that very file can be read at its 600th mebibyte. */
function readBeyond(t: TestContext, node: ClusterNode, target: string) {
  const script = `
    const { openSync, readSync, writeSync } = require('node:fs');
    const file = openSync(process.argv[1], 'r');
    let number = 0;
    const tell = () => writeSync(1, (number += 1) + '\\n');
    tell();
    setInterval(() => {
      if (readSync(file, Buffer.alloc(512), 0, 512, 600 * 1024 * 1024) === 512) tell();
    }, 200);`;
  return tellOn(t, node, [process.execPath, '-e', script, target]);
}

/** A pod that appends numbers to a log, each synced before it is told, and rewrites a large file at the same time. */
function writeOn(t: TestContext, node: ClusterNode, target: string) {
  const script = `
    dd if=/dev/zero of=${target}/large bs=1M count=16 status=none
    while dd if=/dev/urandom of=${target}/large bs=1M count=16 conv=notrunc,fsync status=none; do :; done 2>/dev/null &
    i=0
    while i=$((i + 1)); do echo $i >>${target}/log && sync ${target}/log && echo $i || exit 1; done`;
  return tellOn(t, node, ['sh', '-c', script]);
}

/** A pod that runs a command, whose numbers are noted. */
function tellOn(t: TestContext, node: ClusterNode, command: readonly string[]) {
  const pod = node.host.start(['setsid', ...command]);
  const written = { last: 0, ended: false };
  pod.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.last = Number(text.trim().split('\n').at(-1));
  });
  pod.stderr.resume();
  const ended = once(pod, 'exit').then(() => {
    written.ended = true;
  });
  const end = async () => {
    if (pod.pid !== undefined)
      await node.host.status('pkill', '--signal', 'KILL', '--session', String(pod.pid));
    await ended;
  };
  t.after(end);
  return { written, end };
}

for (const [server, version, how, kind] of [
  [nas, '4.2', 'clones files', 'ext4'],
  [nas, '4.2', 'clones files', 'xfs'],
  [nas2, '4.2', 'cannot clone files', 'ext4'],
  [nas, '3', 'cannot clone files', 'ext4'],
] as const) {
  test(`what a node that was cut off writes to ${kind} later changes nothing, where NFSv${version} ${how}`, async (t) => {
    const cluster = await start(t, server, version);
    const [a, b] = [cluster.node('a'), cluster.node('b')];
    const mode = 'SINGLE_NODE_SINGLE_WRITER';
    const volume = await cluster.create(`fence-${kind}`, { kind, mode, bytes: 320 * mebibyte });
    const target = await up(cluster, volume, a);
    const pod = writeOn(t, a, target);
    await waitFor('the pod writes', () => pod.written.last > 3, healLimit);
    await a.host.cut();
    t.after(() => a.host.restore());
    const known = pod.written.last;
    // By another name the old file outlives its replacement, and can be compared with it.
    const [folder, old] = [`/srv/export/fence-${kind}`, '/srv/export/.berth/trash/old.img'];
    await server.host.run('ln', `${folder}/disk.img`, old);

    await cluster.detach(volume, a);
    if (how === 'cannot clone files') await isCopied(cluster, volume, b);
    await up(cluster, volume, b);
    const extents = await server.host.run('filefrag', '-v', old);
    assert.equal(/\bshared\b/.test(extents), how === 'clones files', extents);
    await server.host.run('rm', old);
    assert.notEqual(volume.published.get('b')?.image, volume.published.get('a')?.image);
    const log = (await b.host.run('cat', `${b.target(volume.id)}/log`)).split('\n').map(Number);
    assert.deepEqual(
      log.slice(0, known),
      Array.from({ length: known }, (_, index) => index + 1),
      'what was synced is there',
    );
    const file = `${b.target(volume.id)}/large`;
    await b.host.run('dd', 'if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=24', 'conv=fsync', 'status=none');
    const sum = await b.host.run('sha256sum', file);

    await a.host.restore();
    const before = pod.written.last;
    await waitFor(
      'the old pod goes on, or sees an error',
      () => pod.written.ended || pod.written.last > before + 2,
      healLimit,
    );
    await pod.end();
    await unpublish(volume, a, volume.id);
    await unstage(volume, a);
    assert.deepEqual([a.mounts(), await a.loops()], [[], []]);

    await unpublish(volume, b, volume.id);
    await unstage(volume, b);
    await stage(volume, b);
    await publish(volume, b, volume.id);
    assert.equal(await b.host.run('sha256sum', file), sum);
    await down(cluster, volume, b);
    const image = `${server.export}/${volume.published.get('b')?.image}`;
    assert.equal(await check(server, kind, image), 0, 'the filesystem is clean');
    assert.deepEqual(readdirSync(`${server.export}/fence-${kind}`).length, 1, 'the old file is gone');
    await remove(cluster, volume);
  });
}

/** The first attach copies, on a server that cannot share blocks; the next one attaches. */
async function isCopied(cluster: Cluster, volume: Volume, node: ClusterNode): Promise<void> {
  assert.match(await refused(cluster.attach(volume, node), code.aborted), /its image was copied/);
}

/** The exit status of a look at the filesystem in an image, which changes nothing. */
function check(server: NfsServer, kind: 'ext4' | 'xfs', image: string): Promise<number | undefined> {
  const path = image.replace(server.export, '/srv/export');
  return kind === 'ext4'
    ? server.host.status('e2fsck', '-f', '-n', path)
    : server.host.status('xfs_repair', '-n', '-f', path);
}

test('a node that was given up and still writes is told, and the volume moves once it has ended', async (t) => {
  const cluster = await start(t, nas2);
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  const mode = 'SINGLE_NODE_WRITER';
  const volume = await cluster.create('alive', { kind: 'ext4', mode, bytes: 64 * mebibyte });
  const target = await up(cluster, volume, a);
  const pod = writeOn(t, a, target);
  await waitFor('the pod writes', () => pod.written.last > 3, healLimit);
  await cluster.detach(volume, a);
  assert.match(await refused(cluster.attach(volume, b), code.aborted), /was written to while it was copied/);
  await pod.end();
  await unpublish(volume, a, volume.id);
  await unstage(volume, a);
  await isCopied(cluster, volume, b);
  await up(cluster, volume, b);
  const log = (await b.host.run('cat', `${b.target(volume.id)}/log`)).split('\n').map(Number);
  assert.ok(log.length >= pod.written.last);
  await down(cluster, volume, b);
  await remove(cluster, volume);
});

test('writers on both nodes share a raw device, which grows on both', async (t) => {
  const cluster = await start(t, nas);
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  const volume = await cluster.create('both-write', {
    kind: 'raw',
    mode: 'MULTI_NODE_MULTI_WRITER',
    bytes: 64 * mebibyte,
  });
  for (const node of [a, b]) await up(cluster, volume, node);
  for (const node of [a, b]) assert.equal((await node.loops()).length, 1);
  const alone: Volume = { ...volume, mode: 'SINGLE_NODE_WRITER' };
  await refused(cluster.attach(alone, a), code.exists);
  const [writer, reader] = [a.target(volume.id), b.target(volume.id)];
  for (const word of ['one', 'two']) {
    const put = `printf ${word} | dd of=${writer} bs=4096 seek=1000 conv=sync oflag=direct status=none`;
    await a.host.run('sh', '-c', put);
    const get = `dd if=${reader} bs=4096 skip=1000 count=1 iflag=direct status=none | head -c 3`;
    assert.equal(await b.host.run('sh', '-c', get), word);
  }
  await grow(cluster, volume, 128 * mebibyte, a, b);
  for (const node of [a, b])
    assert.equal(
      await node.host.run('blockdev', '--getsize64', node.target(volume.id)),
      String(128 * mebibyte),
    );
  for (const node of [a, b]) await down(cluster, volume, node);
  assert.deepEqual([a.mounts(), b.mounts()], [[], []]);
  await remove(cluster, volume);
  await waitFor('nothing is left of the volume', () => left(/\bboth-write\b/).length === 0);
});

const thick = {
  kind: 'ext4',
  mode: 'SINGLE_NODE_WRITER',
  bytes: 64 * mebibyte,
  parameters: { allocation: 'thick' },
} as const;

test('an image has its space reserved over NFSv4.2', async (t) => {
  const cluster = await start(t, nas);
  const volume = await cluster.create('thick', { ...thick });
  const reserved = () => statSync(`${nas.export}/thick/disk.img`).blocks * 512;
  assert.ok(reserved() >= 64 * mebibyte);
  await grow(cluster, volume, 128 * mebibyte);
  assert.ok(reserved() >= 128 * mebibyte);
  const a = cluster.node('a');
  await up(cluster, volume, a);
  await down(cluster, volume, a);
  await remove(cluster, volume);
});

test('to reserve space over NFSv3 is refused, and nothing is made', async (t) => {
  const cluster = await start(t, nas, '3');
  const creating = cluster.create('thick-v3', { ...thick });
  assert.match(await refused(creating, code.invalid), /can only do that on NFSv4\.2/);
  await waitFor('nothing is left', () => left(/\bthick-v3\b/).length === 0);
});

test('an image whose first blocks cannot be read is refused and never formatted', async (t) => {
  const cluster = await start(t, nas2);
  const a = cluster.node('a');
  for (const kind of ['ext4', 'xfs'] as const) {
    const mode = 'SINGLE_NODE_WRITER';
    const volume = await cluster.create(`spoilt-${kind}`, { kind, mode, bytes: 320 * mebibyte });
    const file = `${await up(cluster, volume, a)}/services`;
    await a.host.run('cp', '/etc/services', file);
    await down(cluster, volume, a);

    t.after(() => nas2.mend());
    await nas2.spoil(`spoilt-${kind}/disk.img`);
    await cluster.attach(volume, a);
    assert.match(await refused(stage(volume, a), code.unavailable), /gives I\/O errors/);
    assert.deepEqual([a.mounts(), await a.loops()], [[], []]);
    await nas2.mend();

    await stage(volume, a);
    await publish(volume, a, volume.id);
    await a.host.run('cmp', file, '/etc/services');
    await down(cluster, volume, a);
    await remove(cluster, volume);
  }
});

test('readers on both nodes have an image read-only, down to its device', async (t) => {
  const cluster = await start(t, nas);
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  const writer = await cluster.create('rox', {
    kind: 'ext4',
    mode: 'SINGLE_NODE_WRITER',
    bytes: 64 * mebibyte,
  });
  await up(cluster, writer, a);
  await a.host.run('cp', '/etc/services', `${a.target(writer.id)}/file`);
  await down(cluster, writer, a);
  const readers: Volume = { ...writer, mode: 'MULTI_NODE_READER_ONLY', published: new Map() };
  for (const node of [a, b]) await up(cluster, readers, node);
  for (const node of [a, b]) {
    await node.host.run('cmp', `${node.target(readers.id)}/file`, '/etc/services');
    assert.notEqual(await node.host.status('touch', `${node.target(readers.id)}/other`), 0);
    const [line = ''] = await node.loops();
    assert.equal(await node.host.run('blockdev', '--getro', line.split(' ', 1)[0] ?? ''), '1');
  }
  assert.match(await refused(cluster.attach(writer, a), code.exists), /attached to the node a already/);
  for (const node of [a, b]) await down(cluster, readers, node);
  await remove(cluster, writer);
});

test('a device that device mapper has, or another machine has mounted, is given to nobody', async (t) => {
  const disk = (await readFile('/tmp/nas.device', 'utf8')).trim();
  const [holder = ''] = readdirSync(`/sys/class/block/${basename(disk)}/holders`);
  const pools = { nas: nfsPool(nas) };
  const options = { leavesNothing: true, devices: ['/dev/loop*', '/dev/dm-*'] };
  const cluster = await Cluster.start(t, pools, options);
  const a = cluster.node('a');
  for (const [device, told] of [
    [disk, /is part of nas \(LVM, or another of device mapper\)/],
    [`/dev/${holder}`, /is opened by something for itself alone/],
  ] as const) {
    const mode = 'SINGLE_NODE_WRITER';
    const volume: Volume = {
      id: `held-${basename(device)}`,
      context: { pool: 'nas', device },
      ...{ kind: 'raw', mode, flags: [], published: new Map() },
    };
    await waitFor('the node has announced itself', () => cluster.attach(volume, a).then(() => true));
    assert.match(await refused(stage(volume, a), code.precondition), told);
    await cluster.detach(volume, a);
  }
});

test('images on an export with root_squash are used, taken by force and read elsewhere', async (t) => {
  const tree = `${nas.export}/squashed-images`;
  mkdirSync(tree);
  chmodSync(tree, 0o777);
  await nas.squashRoot(true);
  t.after(async () => {
    await nas.squashRoot(false);
    rmSync(tree, { recursive: true });
  });
  const pool = { nfs: { server: nas.address, path: '/squashed-images', mountOptions: ['nfsvers=4.2'] } };
  const cluster = await Cluster.start(t, { nas: pool }, { leavesNothing: true });
  const [a, b] = [cluster.node('a'), cluster.node('b')];
  for (const kind of ['ext4', 'raw'] as const) {
    const mode = 'SINGLE_NODE_WRITER';
    const volume = await cluster.create(`squashed-${kind}`, { kind, mode, bytes: 64 * mebibyte });
    const { uid, mode: bits } = statSync(`${tree}/squashed-${kind}/disk.img`);
    assert.deepEqual([uid, bits & 0o777], [65534, 0o600]);
    await waitFor('the nodes have announced themselves', () =>
      ['a', 'b'].every((name) => readdirSync(`${tree}/.berth/nodes`).includes(name)),
    );
    const file = kind === 'raw' ? '' : '/services';
    await a.host.run('cp', '/etc/services', `${await up(cluster, volume, a)}${file}`);
    await a.host.run('sync');
    // By force: the node still has it.
    await cluster.detach(volume, a);
    await waitFor('the volume is attached elsewhere', () => cluster.attach(volume, b).then(() => true));
    await stage(volume, b);
    const place = `${await publish(volume, b, volume.id)}${file}`;
    const bytes = String(statSync('/etc/services').size);
    await b.host.run('cmp', `--bytes=${bytes}`, place, '/etc/services');
    await unpublish(volume, a, volume.id);
    await unstage(volume, a);
    await down(cluster, volume, b);
    await remove(cluster, volume);
  }
});

test('a dead server keeps nothing of its images on a node that is taken down, and no other volume', async (t) => {
  const cluster = await Cluster.start(t, { nas: nfsPool(nas), other: nfsPool(nas2) });
  const a = cluster.node('a');
  await waitFor('the node has announced itself', () =>
    [nas, nas2].every(
      (server) =>
        existsSync(`${server.export}/.berth/nodes`) &&
        readdirSync(`${server.export}/.berth/nodes`).includes('a'),
    ),
  );
  const mode = 'SINGLE_NODE_WRITER';
  const doomed = await cluster.create('block-doomed', { kind: 'ext4', mode, bytes: 64 * mebibyte });
  const other = await cluster.create('block-other', {
    pool: 'other',
    kind: 'ext4',
    mode,
    bytes: 64 * mebibyte,
  });
  const device = await cluster.create('block-doomed-raw', { kind: 'raw', mode, bytes: 64 * mebibyte });
  for (const volume of [doomed, device, other]) await up(cluster, volume, a);
  await a.host.run('cp', '/etc/services', `${a.target(doomed.id)}/file`);
  const troubleOf = async ({ id }: Volume) => {
    const asked = { volume_id: id, volume_publish_path: a.target(id) };
    const { volume_health } = await a.csi.NodeGetVolumeHealth(asked);
    return (volume_health?.health_statuses ?? []).map(({ reason }) => reason);
  };
  for (const volume of [doomed, device, other]) assert.deepEqual(await troubleOf(volume), []);
  await nas.cut();
  t.after(() => nas.restore());
  for (const volume of [doomed, device]) assert.deepEqual(await troubleOf(volume), ['ServerNotAnswering']);
  assert.deepEqual(await troubleOf(other), []);

  await a.host.run('dd', 'if=/etc/services', `of=${a.target(other.id)}/file`, 'conv=fsync', 'status=none');
  await unpublish(doomed, a, doomed.id);
  assert.ok(!a.mounts().some(({ mountPoint }) => mountPoint === a.target(doomed.id)), 'the pod is torn down');
  assert.match(await refused(unstage(doomed, a), code.unavailable), /doomed .*(repeat|repeated)/);
  await unpublish(device, a, device.id);
  assert.ok(!existsSync(a.host.path(a.target(device.id))), 'the pod with the raw device is torn down');
  assert.match(await refused(unstage(device, a), code.unavailable), /doomed-raw .*(repeat|repeated)/);
  await down(cluster, other, a);

  await nas.restore();
  for (const volume of [doomed, device]) {
    await waitFor('the volume is let go of', () => unstage(volume, a).then(() => true), healLimit);
  }
  assert.deepEqual(a.mounts(), []);
  // The node is back, and the controller looks for itself when it is.
  await waitFor('the controller heals', () => cluster.detach(doomed, a).then(() => true), healLimit);
  await cluster.detach(device, a);
  await up(cluster, doomed, a);
  await a.host.run('cmp', `${a.target(doomed.id)}/file`, '/etc/services');
  await down(cluster, doomed, a);
  await remove(cluster, doomed, device, other);
});

test('fifty images come and go on one node at the same time', async (t) => {
  const cluster = await start(t, nas);
  const a = cluster.node('a');
  // How many of fifty end within a call's deadline is another number on each machine.
  const patiently = <T>(work: () => Promise<T>) => repeatUnfinished(work, 10 * 60_000);
  const names = Array.from({ length: 50 }, (_, index) => `many-${index}`);
  const volumes = await Promise.all(
    names.map((name, index) =>
      patiently(() =>
        cluster.create(name, {
          kind: index % 2 === 0 ? 'ext4' : 'raw',
          mode: 'SINGLE_NODE_WRITER',
          bytes: 16 * mebibyte,
        }),
      ),
    ),
  );
  await Promise.all(volumes.map((volume) => patiently(() => up(cluster, volume, a))));
  assert.equal((await a.loops()).length, 50);
  assert.equal(a.poolMounts().length, 1);
  for (const volume of volumes) {
    const path = a.host.path(a.target(volume.id));
    assert.equal(statSync(path).isBlockDevice(), volume.kind === 'raw');
  }
  await Promise.all(volumes.map((volume) => patiently(() => down(cluster, volume, a))));
  assert.deepEqual([a.mounts(), await a.loops()], [[], []]);
  await Promise.all(volumes.map((volume) => patiently(() => remove(cluster, volume))));
  await waitFor('nothing is left of the volumes', () => left(/\bmany-/).length === 0);
});
