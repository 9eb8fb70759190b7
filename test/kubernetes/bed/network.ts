// One network namespace with a bridge; each machine is a tap device on it.
import { spawnSync } from 'node:child_process';
import { execa } from 'execa';
import type { VmNetwork } from '../../vm/vm.ts';
import { addresses, type MachineName, nodeNames, podsOf } from './addresses.ts';

const ip = execa({ timeout: 20_000 });

export class Network {
  readonly namespace: string;

  private constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Named by this process, so that two beds can stand side by side. */
  static async make(): Promise<Network> {
    const network = new Network(`berth-${process.pid}`);
    const inside = ['-n', network.namespace];
    await ip`ip netns add ${network.namespace}`;
    await ip`ip ${inside} link set lo up`;
    await ip`ip ${inside} link add br0 type bridge`;
    await ip`ip ${inside} address add ${addresses.controlPlane}/24 dev br0`;
    await ip`ip ${inside} link set br0 up`;
    // Every machine's default route leads here, and pods are reached as routers do it: to hide them behind their node's
    // address takes dozens of processes for each pod.
    for (const node of nodeNames) {
      await ip`ip ${inside} route add ${podsOf(node)} via ${addresses[node]}`;
    }
    await ip`ip netns exec ${network.namespace} sysctl --quiet --write net.ipv4.ip_forward=1`;
    return network;
  }

  /** A card for the machine; the tap device outlives the VM, so that a machine can be started again. */
  async plug(machine: MachineName): Promise<VmNetwork> {
    const { namespace } = this;
    const tap = tapOf(machine);
    const present = await ip({ reject: false })`ip -n ${namespace} link show ${tap}`;
    if (present.exitCode !== 0) await ip`ip -n ${namespace} tuntap add dev ${tap} mode tap`;
    await ip`ip -n ${namespace} link set ${tap} master br0 up`;
    const last = Number(addresses[machine].split('.').at(-1));
    return { namespace, tap, hardwareAddress: `52:54:00:00:00:${last.toString(16).padStart(2, '0')}` };
  }

  /** Pulls the machine's cable, or puts it back. */
  async setCable(machine: MachineName, state: 'up' | 'down'): Promise<void> {
    await ip`ip -n ${this.namespace} link set ${tapOf(machine)} ${state}`;
  }

  /** At once, so that a process that is about to end can do it. What still runs in it keeps it, without its name. */
  remove(): void {
    spawnSync('ip', ['netns', 'delete', this.namespace]);
  }
}

function tapOf(machine: MachineName): string {
  return `tap-${machine}`;
}
