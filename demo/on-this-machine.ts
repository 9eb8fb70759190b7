import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { mountsBelow, readMountinfo } from '../src/host/mountinfo.ts';
import { type CsiClient, connect } from '../test/csi/client.ts';
import type { Narrator } from './narrator.ts';
import { tellStory } from './story.ts';
import type { WorldNode } from './world.ts';

const launcher = resolve(import.meta.dirname, '../bin/berth');

/** Without a VM: a controller and two node plugins on this machine, which share a directory as their pool. */
export async function onThisMachine(tell: Narrator): Promise<void> {
  const base = mkdtempSync(join(realpathSync(tmpdir()), 'berth-demo-'));
  const processes: ChildProcess[] = [];
  const forget = onInterrupt(() => {
    for (const child of processes) child.kill('SIGKILL');
    removeAll(base);
  });
  try {
    const tree = join(base, 'pool');
    const config = { pools: { scratch: { local: { path: tree } } } };
    writeFileSync(join(base, 'config.yaml'), JSON.stringify(config));
    let controller: CsiClient | undefined;
    const nodes: WorldNode[] = [];
    await tell.step('Run Berth: a controller, and two node plugins on this machine', async () => {
      controller = await tell.does('berth controller', () => start('controller', 'controller'));
      for (const id of ['a', 'b']) {
        const client = await tell.does(`berth node as ${id}`, () => start('node', id));
        const directory = join(base, `kubelet-${id}`);
        mkdirSync(directory);
        nodes.push({ id, client, directory, shell, mounts: readMountinfo });
      }
    });
    const [a, b] = nodes;
    if (controller === undefined || a === undefined || b === undefined) throw new Error('Berth is not up');
    await tellStory(tell, {
      controller,
      nodes: { a, b },
      pool: 'scratch',
      tree,
      treeName: "the pool's directory",
      otherPool: 'scratch',
      async stop() {
        const ends = await Promise.all(processes.map(end));
        return ends.every((status) => status === 0);
      },
    });
  } finally {
    await Promise.all(processes.map(end));
    forget();
    removeAll(base);
  }

  async function start(mode: 'controller' | 'node', id: string): Promise<CsiClient> {
    const socket = join(base, `${id}.sock`);
    const child = spawn(
      launcher,
      [
        ...[mode, '--endpoint', `unix://${socket}`, '--config', join(base, 'config.yaml')],
        ...[
          '--node-id',
          id,
          '--state-dir',
          join(base, `state-${id}`),
          '--http',
          'off',
          '--log-level',
          'warn',
        ],
      ],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, BERTH_NODE_BINARY: process.execPath },
      },
    );
    processes.push(child);
    const client = connect(socket);
    const ended = once(child, 'exit').then(([status]) => {
      throw new Error(`berth ${mode} ended with status ${status}`);
    });
    await Promise.race([client.ready(), ended]);
    ended.catch(() => {});
    return client;
  }
}

/** Cleans up where the story is broken off: by Ctrl-C, or since nobody reads it. Returns what ends this. */
function onInterrupt(cleanUp: () => void): () => void {
  const breakOff = () => {
    cleanUp();
    process.exit(1);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, breakOff);
  process.stdout.once('error', breakOff);
  return () => {
    for (const signal of signals) process.off(signal, breakOff);
    process.stdout.off('error', breakOff);
  };
}

/** The mounts first: what is mounted is not ours to remove. */
function removeAll(base: string): void {
  for (const { mountPoint } of mountsBelow(base).reverse()) execFileSync('umount', ['-l', mountPoint]);
  rmSync(base, { recursive: true, force: true });
}

/** SIGTERM, then the drain; the exit status. */
async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [status] = await exit;
  return status;
}

async function shell(command: string): Promise<string> {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trimEnd();
}
