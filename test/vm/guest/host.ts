// One host of the bed (guest/host.sh): a network, mount and UTS namespace on the VM's bridge.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { type Mount, parseMountinfo } from '../../../src/host/mountinfo.ts';
import { type OperationCounts, operations } from './mountstats.ts';

/** A command that does not end by itself fails the test instead of the whole run. */
const limits = { timeout: 120_000, killSignal: 'SIGKILL', stdin: 'ignore' } as const;

export type Running = ChildProcessByStdio<null, Readable, Readable>;

export class Host {
  readonly name: string;
  readonly address: string;
  /** The process that holds the namespaces open. */
  readonly pid: number;

  constructor(name: string) {
    this.name = name;
    this.address = readFileSync(`/run/bed/${name}.address`, 'utf8').trim();
    this.pid = Number(readFileSync(`/run/bed/${name}.pid`, 'utf8'));
  }

  /** Starts a command in this host's namespaces; its pid is the command's own. Output comes on pipes. */
  start(command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return spawn('nsenter', this.#enter(command), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
  }

  /** Runs a command to its end and returns its standard output; an exit status other than 0 is an error. */
  async run(...command: string[]): Promise<string> {
    const { stdout } = await execa('nsenter', this.#enter(command), limits);
    return stdout;
  }

  /** Runs a command to its end and returns its exit status; undefined if a signal ended it. */
  async status(...command: string[]): Promise<number | undefined> {
    const { exitCode } = await execa('nsenter', this.#enter(command), { ...limits, reject: false });
    return exitCode;
  }

  #enter(command: readonly string[]): string[] {
    return ['--target', String(this.pid), '--net', '--mount', '--uts', '--', ...command];
  }

  /** Where a path of this host is found from outside, mounts included. */
  path(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  /** This host's mount table; no file system is touched. */
  mounts(): Mount[] {
    return parseMountinfo(readFileSync(`/proc/${this.pid}/mountinfo`, 'utf8'));
  }

  mountsBelow(directory: string): Mount[] {
    return this.mounts().filter(
      ({ mountPoint }) => mountPoint === directory || mountPoint.startsWith(`${directory}/`),
    );
  }

  /** NFS operations sent so far by the mount at this path, by name. */
  operations(mountPoint: string): OperationCounts {
    return operations(readFileSync(`/proc/${this.pid}/mountstats`, 'utf8'), mountPoint);
  }

  /** Pulls the cable: from now on this host's packets vanish, both ways, without any error. */
  async cut(): Promise<void> {
    await execa`ip link set ${`v${this.name}`} down`;
  }

  async restore(): Promise<void> {
    await execa`ip link set ${`v${this.name}`} up`;
  }
}
