// The image's root filesystem, unpacked out of the archive as a container engine does it, and programs run in it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { temporaryDirectory } from '../support/tree.ts';

export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly User?: string;
}

export interface Unpacked {
  readonly root: string;
  readonly config: ImageConfig;
  readonly architecture: string;
  /** Runs a program in the image to its end; what it printed on either stream. Rejects where it fails. */
  run(file: string, ...args: readonly string[]): Promise<string>;
  /** Starts the image's entry point as process 1. */
  start(...args: readonly string[]): ChildProcess;
}

interface Manifest {
  readonly Config: string;
  readonly Layers: readonly string[];
}

export async function unpack(t: TestContext, archive: string): Promise<Unpacked> {
  const directory = await temporaryDirectory(t);
  await execa('tar', ['-xf', archive, '-C', directory]);
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(directory, name), 'utf8'));
  // The casts: the format of docker-archive, which each use of a field tests.
  const [manifest] = (await read('manifest.json')) as readonly [Manifest];
  const { config, architecture } = (await read(manifest.Config)) as {
    readonly config: ImageConfig;
    readonly architecture: string;
  };
  const root = join(directory, 'root');
  await mkdir(root);
  for (const layer of manifest.Layers) await execa('tar', ['-xf', join(directory, layer), '-C', root]);
  return {
    root,
    config,
    architecture,
    run: async (file, ...args) => {
      const command = container(root, [file, ...args]);
      const { all } = await execa('unshare', command, { all: true, env: imageEnv(config), extendEnv: false });
      return all;
    },
    start: (...args) =>
      spawn('unshare', container(root, [...config.Entrypoint, ...args]), {
        env: imageEnv(config),
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
  };
}

/** Namespaces of its own for mounts and processes; all of it ends with the one that is started here. */
function container(root: string, command: readonly string[]): string[] {
  const enter = 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && exec chroot "$@"';
  return ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', enter, 'sh', root, ...command];
}

function imageEnv({ Env }: ImageConfig): Record<string, string> {
  return Object.fromEntries(
    Env.map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]),
  );
}
