// A Kubernetes of two nodes and an NFS server, in VMs, with its control plane beside them.
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { addresses, type NodeName, nodeNames } from './addresses.ts';
import { ControlPlane } from './control-plane.ts';
import { type Credentials, makeCredentials } from './credentials.ts';
import { program } from './go-programs.ts';
import { Kubectl } from './kubectl.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { release } from './release.ts';

/** Not below /tmp or /run, which a VM has of its own. */
const cacheDir = resolve(import.meta.dirname, '../../../.cache/kubernetes');
/** Longer than any run of the whole. */
const runLifetimeMs = 4 * 3600_000;
const guest = resolve(import.meta.dirname, '../guest');

export class Cluster {
  readonly kubectl: Kubectl;
  readonly server: Machine;
  readonly nodes: Readonly<Record<NodeName, Machine>>;
  readonly network: Network;
  /** Logs, sockets and credentials; gone with the cluster. */
  readonly directory: string;
  readonly adminKubeconfig: string;
  readonly #controlPlane: ControlPlane;

  private constructor(
    network: Network,
    directory: string,
    credentials: Credentials,
    { disk, lifetimeMs }: { disk: string; lifetimeMs: number },
  ) {
    this.network = network;
    this.directory = directory;
    process.once('exit', this.#leave);
    this.#controlPlane = new ControlPlane(network, directory, credentials);
    this.adminKubeconfig = credentials.kubeconfig('admin');
    this.kubectl = new Kubectl(this.inside([program('kubectl'), '--kubeconfig', this.adminKubeconfig]));
    this.server = new Machine({
      name: 'server',
      network,
      directory,
      command: `exec ${guest}/server.sh ${addresses.server}`,
      memoryMegabytes: 1024,
      lifetimeMs,
    });
    const bins = [...new Set(['containerd', 'kubelet'].map((name) => dirname(program(name))))];
    const node = (name: NodeName): Machine => {
      const kubeconfigs = [name, 'proxy'].map((account) => credentials.kubeconfig(account));
      const args = [name, addresses[name], ...kubeconfigs, ...bins];
      return new Machine({
        name,
        network,
        directory,
        command: `exec ${guest}/node.sh ${args.join(' ')}`,
        memoryMegabytes: 3072,
        disk,
        lifetimeMs,
      });
    };
    this.nodes = { a: node('a'), b: node('b') };
  }

  /** Brings it up; both nodes are Ready then. `disk` has the images (node-disk.ts). Its machines end after that time. */
  static async start(disk: string, lifetimeMs = runLifetimeMs): Promise<Cluster> {
    const directory = join(cacheDir, `run-${process.pid}`);
    await mkdir(directory, { recursive: true });
    const credentials = await makeCredentials(directory);
    const cluster = new Cluster(await Network.make(), directory, credentials, { disk, lifetimeMs });
    try {
      await cluster.#boot();
      return cluster;
    } catch (error) {
      const told = await Promise.all(cluster.#machines.map((machine) => machine.describe()));
      await cluster.stop();
      throw new Error(`the cluster did not come up at ${new Date().toISOString()}\n${told.join('\n')}`, {
        cause: error,
      });
    }
  }

  get #machines(): readonly Machine[] {
    return [this.server, ...Object.values(this.nodes)];
  }

  /** A command line that runs this one inside the bed's network. */
  inside(command: readonly string[]): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.network.namespace}`, ...command];
  }

  /** Waits until these nodes are Ready. */
  async ready(names: readonly NodeName[] = nodeNames): Promise<void> {
    const path = '{.status.conditions[?(@.type=="Ready")].status}';
    for (const name of names) await this.kubectl.until(['node', name], path, 'True');
  }

  /** Waits until the pods of Berth are ready, all of them: after a node has come back. */
  async berthReady(): Promise<void> {
    const where = ['-n', release.namespace];
    for (const [kind, ready, wanted] of [
      ['daemonset', '{.status.numberReady}', '{.status.desiredNumberScheduled}'],
      ['statefulset', '{.status.readyReplicas}', '{.spec.replicas}'],
    ] as const) {
      await waitFor(
        `the ${kind} of Berth is ready`,
        async () => {
          const object = [...where, kind];
          const items = (path: string) => this.kubectl.value(object, path.replace('{', '{.items[0]'));
          return (await items(ready)) === (await items(wanted));
        },
        240_000,
      );
    }
  }

  /** Takes it down; nothing of it is left. */
  async stop(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.powerOff()));
    await this.#controlPlane.stop();
    process.off('exit', this.#leave);
    this.#leave();
  }

  /** What would stay when a signal ends this process; its children end by themselves. */
  readonly #leave = (): void => {
    this.network.remove();
    rmSync(this.directory, { recursive: true, force: true });
  };

  async #boot(): Promise<void> {
    this.#controlPlane.startServer();
    const server = this.server.start();
    await waitFor('the API server is ready', () => this.kubectl.run(['get', '--raw', '/readyz']), 120_000);
    this.#controlPlane.startControllers();
    await Promise.all([server, ...Object.values(this.nodes).map((node) => node.start())]);
    for (const name of nodeNames) await this.#readyOrAgain(name);
  }

  /**
   * One boot in some dozens ends with an emulated machine that hangs as a whole: not even its serial port answers. That
   * is told, and it is started again, once.
   */
  async #readyOrAgain(name: NodeName): Promise<void> {
    const machine = this.nodes[name];
    try {
      await this.ready([name]);
    } catch (error) {
      if (await machine.answers()) throw error;
      console.log(`${await machine.describe()}\nthe machine ${name} hangs and is started again`);
      await machine.powerOff();
      await machine.start();
      await this.ready([name]);
    }
  }
}
