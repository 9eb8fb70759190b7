import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type CsiClient, connect } from '../csi/client.ts';
import { waitFor } from '../vm/guest/wait-for.ts';
import { cleanUp } from './clean-up.ts';
import { temporaryDirectory } from './tree.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface Driver {
  readonly csi: CsiClient;
  readonly process: ChildProcess;
  /** All that it has logged so far. */
  readonly log: () => string;
  /** Asks over HTTP, where it was started with an address for that. */
  readonly http: (path: string, init?: RequestInit) => Promise<Response>;
  /** Ends it with a signal; resolves with its exit status, null where the signal ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

export interface DriverOptions {
  readonly mode?: 'controller' | 'node' | 'all' | 'local';
  readonly name?: string;
  readonly nodeId?: string;
  readonly flags?: readonly string[];
  /** Words before the program, as of a command that runs another. */
  readonly prefix?: readonly string[];
}

/** A machine for drivers to run on: a directory with a `local` pool named scratch. */
export interface Machine {
  readonly directory: string;
  readonly pool: string;
  start(options?: DriverOptions): Promise<Driver>;
  /** Runs the program to its end; rejects with `status N: ` and what it printed where that is not 0. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
}

/** Makes a machine, with these devices allowed; the drivers started on it end with the test. */
export async function makeMachine(t: TestContext, devices: readonly string[] = []): Promise<Machine> {
  const directory = await temporaryDirectory(t);
  const pool = join(directory, 'pool');
  await mkdir(pool);
  const config = join(directory, 'config.yaml');
  await writeFile(config, JSON.stringify({ pools: { scratch: { local: { path: pool } } }, devices }));
  return {
    directory,
    pool,
    start: (options = {}) => startDriver(t, directory, config, options),
    run: (args, env = {}) => runToEnd(args, { BERTH_CONFIG: config, BERTH_HTTP: 'off', ...env }),
  };
}

async function runToEnd(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const result = await execa(process.execPath, [cli, ...args], {
    env,
    all: true,
    reject: false,
    timeout: 60_000,
  });
  if (result.exitCode === 0) return result.all;
  throw new Error(`status ${result.exitCode}: ${result.all}`);
}

async function startDriver(
  t: TestContext,
  directory: string,
  config: string,
  { mode = 'all', name = 'csi', nodeId = 'node-1', flags = [], prefix = [] }: DriverOptions,
): Promise<Driver> {
  const socket = join(directory, `${name}.sock`);
  const [file = '', ...args] = [
    ...prefix,
    process.execPath,
    cli,
    mode,
    '--endpoint',
    `unix://${socket}`,
    '--config',
    config,
  ];
  args.push('--node-id', nodeId, '--state-dir', join(directory, 'state'));
  // Many drivers run on one machine; the last of two flags counts.
  args.push('--http', 'off', ...flags);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    // Not on its exit: some of its log may still be in the pipe then.
    child.once('close', resolve);
  });
  const csi = connect(socket);
  cleanUp(t, async () => {
    csi.close();
    child.kill('SIGKILL');
    await ended;
  });
  await serving(csi, ended, () => log);
  return {
    csi,
    process: child,
    log: () => log,
    http: async (path, init) => fetch(`http://${await address(() => log)}${path}`, init),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Where it says that it serves health and metrics. */
async function address(log: () => string): Promise<string> {
  return waitFor('the driver says that it serves', () => {
    const [, found] = /"http":"([^"]+)"/.exec(log()) ?? [];
    return found ?? false;
  });
}

/** Waits until Probe is answered; fails at once where the driver has ended. */
async function serving(csi: CsiClient, ended: Promise<number | null>, log: () => string): Promise<void> {
  const failed = ended.then(() => {
    throw new Error(`the driver ended at once: ${log()}`);
  });
  await Promise.race([csi.ready(), failed]);
  await csi.Identity.Probe({});
}
