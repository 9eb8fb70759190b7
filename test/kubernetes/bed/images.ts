// The images of a cluster's pods, each from a program of this machine or a Debian package.
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { readAptSources } from '../../image/apt-sources.ts';
import { makeDebian } from '../../image/debian-root.ts';
import { program } from './go-programs.ts';
import { type ImageContent, writeImage } from './image-archive.ts';

const imagesDir = resolve(import.meta.dirname, '../../../.cache/kubernetes/images');

/** What all pods' sandboxes are made of, as the nodes' containerd is told. */
export const pauseImage = 'localhost/pause:1';

const suiteRegistry = 'registry.k8s.io/e2e-test-images';

const contents: Readonly<Record<string, ImageContent>> = {
  pause: { tags: [pauseImage], entrypoint: ['/bin/busybox', 'sleep', '2147483647'], fill: busybox },
  busybox: { tags: ['docker.io/library/busybox:1'], command: ['sh'], fill: busybox },
  'csi-provisioner': sidecar('csi-provisioner', 'v6.3.0'),
  'csi-attacher': sidecar('csi-attacher', 'v4.13.0'),
  'csi-resizer': sidecar('csi-resizer', 'v2.3.0'),
  'csi-snapshotter': sidecar('csi-snapshotter', 'v8.7.0'),
  'snapshot-controller': sidecar('snapshot-controller', 'v8.7.0'),
  // For the official suite, under the names that it asks for; of nginx it uses the shell only.
  'suite-busybox': {
    tags: ['busybox:1.36.1-1', 'busybox:1.37.0-1', 'nginx:1.15-4'].map((name) => `${suiteRegistry}/${name}`),
    command: ['sh'],
    fill: busybox,
  },
  'suite-agnhost': {
    tags: ['agnhost:2.63.0', 'agnhost:2.55'].map((name) => `${suiteRegistry}/${name}`),
    entrypoint: ['/agnhost'],
    command: ['pause'],
    fill: async (root) => {
      await busybox(root);
      await copyFile(program('agnhost'), join(root, 'agnhost'));
    },
  },
  'suite-populator': {
    tags: ['registry.k8s.io/sig-storage/hello-populator:v1.0.1'],
    entrypoint: ['/hello-populator'],
    fill: async (root) => copyFile(program('hello-populator'), join(root, 'hello-populator')),
  },
  // Of this one it uses Debian's own commands.
  'suite-debian': {
    tags: [`${suiteRegistry}/glibc-dns-testing:2.0.0`],
    command: ['bash'],
    fill: async (root) => makeDebian(root, await readAptSources(), []),
  },
  fio: {
    tags: ['localhost/fio:1'],
    command: ['bash'],
    fill: async (root) => makeDebian(root, await readAptSources(), ['fio']),
  },
  mariadb: { tags: ['docker.io/library/mariadb:10.11'], entrypoint: ['/entrypoint'], fill: mariadb },
};

/** Enough for the driver and for pods that run a shell. */
export const basicImages = ['pause', 'busybox', 'csi-provisioner', 'csi-attacher', 'csi-resizer'] as const;
/** With these a cluster takes snapshots. */
export const snapshotImages = ['csi-snapshotter', 'snapshot-controller'] as const;
export const allImages = [...basicImages, ...snapshotImages, 'fio', 'mariadb'] as const;

export const suiteImages = ['suite-busybox', 'suite-agnhost', 'suite-populator', 'suite-debian'] as const;

/** Makes what is missing of these images; returns their archives. */
export async function ensureImages(names: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const name of names) {
    const content = contents[name];
    if (content === undefined) throw new Error(`no image is called ${name}`);
    const version = content.tags[0]?.split(':').at(-1) ?? '';
    const file = join(imagesDir, `${name}-${version}.tar`);
    if (!existsSync(file)) {
      console.log(`set-up: image ${content.tags.join(', ')}`);
      await writeImage(file, content);
    }
    files.push(file);
  }
  return files;
}

async function busybox(root: string): Promise<void> {
  for (const folder of ['bin', 'tmp', 'etc', 'dev', 'proc', 'sys', 'root', 'mnt'])
    await mkdir(join(root, folder));
  await chmod(join(root, 'tmp'), 0o1777);
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  const { stdout } = await execa`/bin/busybox --list`;
  for (const applet of stdout.split('\n').filter((name) => name !== 'busybox')) {
    await symlink('busybox', join(root, 'bin', applet));
  }
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  );
}

function sidecar(name: string, version: string): ImageContent {
  return {
    tags: [`registry.k8s.io/sig-storage/${name}:${version}`],
    entrypoint: [`/${name}`],
    fill: async (root) => {
      await copyFile(program(name), join(root, name));
      // Where containers write their end message, and their scratch space.
      for (const folder of ['dev', 'tmp']) await mkdir(join(root, folder));
    },
  };
}

/** Debian's MariaDB behind an entry point that understands MARIADB_ROOT_PASSWORD and MARIADB_DATABASE. */
async function mariadb(root: string): Promise<void> {
  await makeDebian(root, await readAptSources(), ['mariadb-server']);
  await copyFile(join(import.meta.dirname, '../guest/mariadb.sh'), join(root, 'entrypoint'));
  await chmod(join(root, 'entrypoint'), 0o755);
}
