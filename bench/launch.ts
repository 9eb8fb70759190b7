// Starts a driver and measures the time from the start to the first Probe that is answered.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CsiClient, connect } from '../test/csi/client.ts';

const launcher = resolve(import.meta.dirname, '../bin/berth');

export interface Launched {
  readonly client: CsiClient;
  readonly millisecondsToProbe: number;
  readonly pid: number;
  /** Asks what kubelet and Prometheus ask over HTTP; nothing where the driver has no such thing. */
  scrape(): Promise<void>;
  /** Ends it as Kubernetes would, with SIGTERM; by force after ten seconds. */
  end(): Promise<void>;
}

export type BerthMode = 'all' | 'controller' | 'node';

/** `prefix`: the command that enters a host of the bed, if any. */
export async function launchBerth(
  mode: BerthMode,
  pools: object,
  prefix: readonly string[] = [],
): Promise<Launched> {
  const work = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  await writeFile(join(work, 'config.yaml'), JSON.stringify({ pools }));
  const socket = join(work, 'csi.sock');
  return launch(work, socket, [
    ...prefix,
    ...[launcher, mode, '--endpoint', `unix://${socket}`, '--config', join(work, 'config.yaml')],
    // Outside of `work`, so that a mount that was left behind is never removed with it.
    ...['--node-id', 'bench', '--state-dir', '/var/lib/berth-bench', '--http', '127.0.0.1:0'],
  ]);
}

export async function launchPeer(peer: string, prefix: readonly string[] = []): Promise<Launched> {
  const work = await mkdtemp(join(tmpdir(), 'berth-bench-peer-'));
  const socket = join(work, 'csi.sock');
  return launch(work, socket, [
    ...prefix,
    ...[peer, '--endpoint', `unix://${socket}`, '--nodeid', 'bench', '--working-mount-dir', work],
  ]);
}

async function launch(work: string, socket: string, command: readonly string[]): Promise<Launched> {
  const [file = '', ...words] = command;
  const start = performance.now();
  const child = spawn(file, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BERTH_NODE_BINARY: process.execPath },
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-10_000);
  });
  const address = httpAddress(child);
  const client = await firstProbe(socket, child, () => complaints);
  return {
    client,
    millisecondsToProbe: performance.now() - start,
    scrape: async () => {
      if (address.found === undefined) return;
      for (const path of ['healthz', 'metrics']) {
        await (await fetch(`http://${address.found}/${path}`)).text();
      }
    },
    pid: child.pid ?? 0,
    end: async () => {
      client.close();
      await end(child);
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** The address in the line with which Berth says that it serves. */
function httpAddress(child: ChildProcess): { found: string | undefined } {
  const address: { found: string | undefined } = { found: undefined };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    address.found ??= /"http":"([^"]+)"/.exec(text)?.[1];
  });
  return address;
}

async function firstProbe(socket: string, child: ChildProcess, complaints: () => string): Promise<CsiClient> {
  while (child.exitCode === null) {
    // A connection is tried only when the socket is there: a failed one would wait before it tries again.
    if (existsSync(socket)) {
      const client = connect(socket);
      await client.ready();
      await client.Identity.Probe({});
      return client;
    }
    await delay(5);
  }
  throw new Error(`${socket}: the driver ended with status ${child.exitCode}\n${complaints()}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(force);
}

/** Resident memory of a process in MB (a million bytes). */
export function residentMegabytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}
