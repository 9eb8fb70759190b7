// A Berth process on one host of the bed.
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CsiClient, connect } from '../../csi/client.ts';
import type { Host, Running } from './host.ts';

const launcher = resolve(import.meta.dirname, '../../../bin/berth');

export interface BerthOptions {
  readonly mode: 'all' | 'controller' | 'node';
  /** The config file's text; JSON is YAML too. */
  readonly config: object;
  /** Default: the host's name. */
  readonly nodeId?: string;
  /** Default: /var/lib/berth-MODE-HOST, the same for each process of this mode on this host. */
  readonly stateDir?: string;
  readonly flags?: readonly string[];
  /** Words before the program, as of a command that runs another. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class BerthProcess {
  readonly client: CsiClient;
  readonly socket: string;
  readonly stateDir: string;
  readonly pid: number;
  /** Resolves at the end of the process: its exit status, undefined if a signal ended it. */
  readonly ended: Promise<number | undefined>;
  readonly #child: Running;
  #output = '';

  private constructor(child: Running, socket: string, stateDir: string) {
    if (child.pid === undefined) throw new Error('berth could not be started');
    this.#child = child;
    this.pid = child.pid;
    this.socket = socket;
    this.stateDir = stateDir;
    this.client = connect(socket);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.ended = once(child, 'close').then(([status]) => status ?? undefined);
  }

  /** Starts Berth on a host and waits until it answers. */
  static async start(host: Host, options: BerthOptions): Promise<BerthProcess> {
    const work = mkdtempSync('/tmp/berth-');
    const socket = join(work, 'csi.sock');
    const stateDir = options.stateDir ?? `/var/lib/berth-${options.mode}-${host.name}`;
    writeFileSync(join(work, 'config.yaml'), JSON.stringify(options.config));
    const child = host.start(
      [
        ...(options.prefix ?? []),
        ...[launcher, options.mode, '--endpoint', `unix://${socket}`, '--config', join(work, 'config.yaml')],
        ...['--node-id', options.nodeId ?? host.name, '--state-dir', stateDir, '--log-level', 'debug'],
        ...['--http', 'off', ...(options.flags ?? [])],
      ],
      { BERTH_NODE_BINARY: process.execPath, ...options.env },
    );
    const berth = new BerthProcess(child, socket, stateDir);
    const ended = berth.ended.then((status) => {
      throw new Error(`berth ended with status ${status}:\n${berth.output}`);
    });
    await Promise.race([berth.client.ready(60_000), ended]);
    ended.catch(() => {});
    return berth;
  }

  /** Standard output and error so far. */
  get output(): string {
    return this.#output;
  }

  /** As the kernel would at lack of memory: no farewell of any kind. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
    this.client.close();
  }

  /** SIGTERM, then the drain; returns the exit status. */
  async stop(): Promise<number | undefined> {
    this.#child.kill('SIGTERM');
    const status = await this.ended;
    this.client.close();
    return status;
  }
}
