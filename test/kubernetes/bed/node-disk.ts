// The disk that every node starts with: containerd's own folder, with all images imported and unpacked.
// Made once by containerd on this machine; in the emulated node the same takes minutes.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { program } from './go-programs.ts';

const cacheDir = resolve(import.meta.dirname, '../../../.cache/kubernetes');
const diskBytes = 8 * 1024 ** 3;

/** Makes the disk unless there is one of just these archives; returns its path. */
export async function ensureNodeDisk(archives: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(program('containerd'));
  for (const archive of archives) {
    const { size, mtimeMs } = await stat(archive);
    hash.update(`${archive} ${size} ${mtimeMs}\n`);
  }
  const name = `node-${hash.digest('hex').slice(0, 12)}.img`;
  const file = join(cacheDir, name);
  if (existsSync(file)) return file;

  console.log(`set-up: the nodes' disk with ${archives.length} images`);
  await mkdir(cacheDir, { recursive: true });
  // Disks of images that have changed since.
  for (const old of (await readdir(cacheDir)).filter((each) => /^node-.*\.img/.test(each))) {
    await rm(join(cacheDir, old));
  }
  const aside = `${file}.${process.pid}`;
  await writeFile(aside, '');
  await truncate(aside, diskBytes);
  await execa`mkfs.ext4 -q ${aside}`;
  const work = await mkdtemp(join(tmpdir(), 'berth-disk-'));
  try {
    await fill(aside, work, archives);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await rename(aside, file);
  return file;
}

async function fill(disk: string, work: string, archives: readonly string[]): Promise<void> {
  const root = join(work, 'root');
  const socket = join(work, 'containerd.sock');
  const config = join(work, 'config.toml');
  await mkdir(root);
  await writeFile(config, "version = 3\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n");
  await execa`mount -o loop ${disk} ${root}`;
  try {
    const flags = ['--config', config, '--root', root, '--state', join(work, 'state'), '--address', socket];
    const containerd = execa({
      reject: false,
      all: true,
    })`setpriv --pdeathsig KILL ${program('containerd')} ${flags}`;
    const ctr = execa({ timeout: 5 * 60_000 });
    const namespace = ['--address', socket, '--namespace', 'k8s.io'];
    try {
      await waitFor('containerd answers', async () => ctr`${program('ctr')} ${namespace} version`);
      for (const archive of archives) await ctr`${program('ctr')} ${namespace} images import ${archive}`;
    } finally {
      containerd.kill('SIGTERM', undefined);
      await containerd;
    }
  } finally {
    await execa`umount ${root}`;
  }
}
