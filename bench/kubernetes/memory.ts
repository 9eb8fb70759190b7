import { nodeNames } from '../../test/kubernetes/bed/addresses.ts';
import type { Cluster } from '../../test/kubernetes/bed/cluster.ts';

/**
 * Command lines of a driver's processes, as a pattern that does not match itself, and which of the two nodes is meant.
 */
const pods = {
  nodeOfBerth: { processes: 'start[.]cjs node|[t]ini .*/berth node', pick: Math.max },
  // The one that leads.
  controllerOfBerth: { processes: 'start[.]cjs controller|[t]ini .*/berth controller', pick: Math.max },
  // The peer's controller is on one of the nodes too, and made of the programs of its node pod.
  nodeOfPeer: { processes: '^/(nfsplugin|csi-node-driver-registrar|livenessprobe) ', pick: Math.min },
};

export type Pod = keyof typeof pods;

/** proc(5): what is resident now, and the most that ever was. */
const fields = { now: 'VmRSS', peak: 'VmHWM' } as const;

export type When = keyof typeof fields;

/** Resident memory of the processes of a driver's pod together, in megabytes. */
export async function residentMegabytes(cluster: Cluster, pod: Pod, when: When): Promise<number> {
  const field = fields[when];
  const { processes, pick } = pods[pod];
  const sums = nodeNames.map(async (name) => {
    const command = `for pid in $(pgrep -f '${processes}'); do grep ${field} /proc/$pid/status; done`;
    const sizes = [...(await cluster.nodes[name].run(command)).matchAll(/:\s+(\d+) kB/g)];
    return sizes.reduce((sum, [, size]) => sum + Number(size), 0) / 1024;
  });
  const megabytes = pick(...(await Promise.all(sums)));
  if (megabytes === 0) throw new Error(`there is no process like ${processes}`);
  return megabytes;
}
