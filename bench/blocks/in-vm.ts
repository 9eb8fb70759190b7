// Run by main.ts inside the VM, on one node of the bed.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { VolumeCapabilityInit } from '../../src/wire/generated/csi-types.ts';
import { a, nas, nfsPool } from '../../test/vm/guest/bed.ts';
import { add } from '../figures.ts';
import { enter, progress, sendFigures } from '../guest.ts';
import { launchBerth } from '../launch.ts';
import { timed } from '../statistics.ts';
import { fileBytes, patterns } from './patterns.ts';
import type { BlockFigures } from './report.ts';

const rounds = 3;
const timeRounds = 7;
const mebibyte = 1024 ** 2;

const figures: BlockFigures = { patterns: {}, times: {} };
process.once('exit', () => sendFigures(figures));

const berth = await launchBerth('all', { nas: nfsPool(nas) }, enter(a));
const { Controller, Node } = berth.client;
const access_mode = { mode: 'SINGLE_NODE_WRITER' } as const;
const wishes = {
  raw: { block: {}, access_mode },
  ext4: { mount: { fs_type: 'ext4' }, access_mode },
  directory: { mount: {}, access_mode },
} as const;
type Kind = keyof typeof wishes;

/** A volume, and what kubelet and external-attacher call for it. */
async function makeVolume(name: string, kind: Kind, bytes: number) {
  const volume_capability: VolumeCapabilityInit = wishes[kind];
  const { volume } = await Controller.CreateVolume({
    name,
    volume_capabilities: [wishes[kind]],
    capacity_range: { required_bytes: String(bytes) },
  });
  if (volume === null) throw new Error('CreateVolume answered without a volume');
  const directory = `/var/lib/bench/${name}`;
  mkdirSync(a.path(join(directory, 'staging')), { recursive: true });
  const target = join(directory, 'mount');
  let published: Readonly<Record<string, string>> = {};
  const { volume_id, volume_context } = volume;
  const request = () => ({
    volume_id,
    volume_context,
    volume_capability,
    publish_context: published,
    staging_target_path: join(directory, 'staging'),
    target_path: target,
  });
  return {
    volume_id,
    target,
    async attach() {
      const node = { volume_id, volume_context, volume_capability, node_id: 'bench' };
      published = (await Controller.ControllerPublishVolume(node)).publish_context;
    },
    async up() {
      await Node.NodeStageVolume(request());
      await Node.NodePublishVolume(request());
    },
    async down() {
      await Node.NodeUnpublishVolume(request());
      await Node.NodeUnstageVolume(request());
    },
    detach: () => Controller.ControllerUnpublishVolume({ volume_id, node_id: 'bench' }),
  };
}

/** Operations or, of 1M ones, bytes per second: what fio says of a run. */
async function fio(path: string, flags: readonly string[]): Promise<number> {
  const output = await a.run(
    'fio',
    ...['--name=bench', `--filename=${path}`, `--size=${fileBytes}`, '--direct=1', '--ioengine=libaio'],
    ...['--time_based', '--runtime=4', '--ramp_time=1', '--output-format=json', ...flags],
  );
  const { jobs } = JSON.parse(output.slice(output.indexOf('{'))) as {
    jobs: readonly Record<'read' | 'write', { readonly bw_bytes: number }>[];
  };
  const [job] = jobs;
  return Math.max(job?.read.bw_bytes ?? 0, job?.write.bw_bytes ?? 0);
}

progress('fio');
const sets = [];
for (const kind of ['directory', 'raw', 'ext4'] as const) {
  const volume = await makeVolume(`fio-${kind}`, kind, 2 * fileBytes);
  await volume.attach();
  await volume.up();
  const path = kind === 'raw' ? volume.target : join(volume.target, 'file');
  // Every block is there: what is measured is neither a hole nor its allocation.
  await a.run(
    'dd',
    'if=/dev/urandom',
    `of=${path}`,
    'bs=1M',
    `count=${fileBytes / mebibyte}`,
    'conv=notrunc,fsync',
  );
  sets.push({ kind, volume, path });
}
for (let round = 0; round < rounds; round += 1) {
  progress(`fio, round ${round + 1}`);
  for (const { name, flags } of patterns) {
    for (const { kind, path } of sets) {
      figures.patterns[name] ??= {};
      add(figures.patterns[name], kind, await fio(path, flags));
    }
  }
}
for (const { volume } of sets) {
  await volume.down();
  await volume.detach();
}

progress('times');
const bytes = 1024 * mebibyte;
const time = async (what: string, work: () => Promise<unknown>) =>
  add(figures.times, what, await timed(work));
for (let round = 0; round < timeRounds; round += 1) {
  const volume = await makeVolume(`time-${round}`, 'ext4', bytes);
  await time('attach', () => volume.attach());
  await time('stage + publish, new', () => volume.up());
  const grown = { volume_id: volume.volume_id, capacity_range: { required_bytes: String(2 * bytes) } };
  await time('expand', async () => {
    await Controller.ControllerExpandVolume(grown);
    await Node.NodeExpandVolume({ ...grown, volume_path: volume.target });
  });
  await time('unpublish + unstage', () => volume.down());
  await time('detach', () => volume.detach());
  await volume.attach();
  await time('stage + publish, existing', () => volume.up());
  await volume.down();
  await volume.detach();

  const share = '/mnt/bare';
  const filesystem = '/mnt/bare-ext4';
  mkdirSync(a.path(share), { recursive: true });
  mkdirSync(a.path(filesystem), { recursive: true });
  const image = `${share}/bare-${round}.img`;
  const mount = () => a.run('mount', '-t', 'nfs', '-o', 'nfsvers=4.2', `${nas.address}:/`, share);
  await time('bare: mount -t nfs, mkfs', async () => {
    await mount();
    await a.run('mkfs.ext4', '-q', image, '1G');
  });
  await a.run('umount', share);
  await time('bare: mount -t nfs, mount', async () => {
    await mount();
    await a.run('mount', '-o', 'loop', image, filesystem);
  });
  await a.run('umount', filesystem);
  await a.run('rm', image);
  await a.run('umount', share);
}
await berth.end();
progress('done');
process.exit(0);
