// A machine of the cluster in a VM of its own: the NFS server, or a node.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startVm, type Vm } from '../../vm/vm.ts';
import type { MachineName } from './addresses.ts';
import type { Network } from './network.ts';
import { Shell } from './shell.ts';

export interface MachineOptions {
  readonly name: MachineName;
  readonly network: Network;
  /** Where its socket is made. */
  readonly directory: string;
  /** A script of guest/ with its arguments; it prints `ready` once the machine is. */
  readonly command: string;
  readonly memoryMegabytes: number;
  readonly disk?: string;
  /** It ends by itself after this time, in milliseconds. */
  readonly lifetimeMs: number;
}

export class Machine {
  readonly name: MachineName;
  readonly #options: MachineOptions;
  #vm: Vm | undefined;
  #shell: Shell | undefined;
  /** What its script printed, and the console of a machine that ended. */
  readonly #output: string[] = [];

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Boots it; resolves once its script has said that it is ready. */
  async start(): Promise<void> {
    const { name, network, directory, command, memoryMegabytes, disk, lifetimeMs } = this.#options;
    const shellSocket = join(directory, `${name}.sock`);
    await mkdir(directory, { recursive: true });
    this.#output.length = 0;
    let setReady: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      setReady = resolve;
    });
    const vm = await startVm({
      command,
      memoryMegabytes,
      timeout: lifetimeMs,
      network: await network.plug(name),
      shellSocket,
      ...(disk === undefined ? {} : { disk }),
      onLine: (line) => {
        if (line === 'ready') setReady();
        else this.#output.push(line);
      },
    });
    this.#vm = vm;
    const failed = vm.ended.then(({ console }) => {
      this.#shell?.close();
      this.#shell = undefined;
      this.#output.push(console);
      throw new Error(`the machine ${name} ended while it started\n${this.#output.join('\n')}`);
    });
    // Only of interest until it is ready.
    failed.catch(() => {});
    await Promise.race([ready, failed]);
    this.#shell = await Shell.open(shellSocket);
  }

  get isRunning(): boolean {
    return this.#shell !== undefined;
  }

  /** Runs a bash command on it as root, with or without a network; see Shell.run. */
  run(command: string, seconds?: number): Promise<string> {
    if (this.#shell === undefined) throw new Error(`the machine ${this.name} is off`);
    return this.#shell.run(command, seconds);
  }

  /** Whether it still runs commands. */
  async answers(): Promise<boolean> {
    return this.run('true').then(
      () => true,
      () => false,
    );
  }

  /** What is to be known of it when the cluster does not come up. */
  async describe(): Promise<string> {
    const state = this.isRunning
      ? await this.run('date --utc; uptime; tail -n 25 /run/node/*.log 2>&1 | cut -c 1-400').catch(String)
      : 'it is off';
    const seen = /did not answer/.test(state) ? await this.#vm?.describe() : '';
    return [`the machine ${this.name}:`, ...this.#output, state, seen].join('\n');
  }

  /** Pulls its network cable. */
  cutOff(): Promise<void> {
    return this.#options.network.setCable(this.name, 'down');
  }

  reconnect(): Promise<void> {
    return this.#options.network.setCable(this.name, 'up');
  }

  /** Loss of power: nothing is written any more, and what was on its disk is gone. */
  async powerOff(): Promise<void> {
    this.#vm?.powerOff();
    await this.#vm?.ended;
  }
}
