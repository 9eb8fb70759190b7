import { nodeNames } from '../../test/kubernetes/bed/addresses.ts';
import type { Cluster } from '../../test/kubernetes/bed/cluster.ts';

/** Command lines of the processes of a driver's node pod. */
const patterns = {
  berth: 'berth.cjs node',
  peer: '^/(nfsplugin|csi-node-driver-registrar|livenessprobe) ',
};

/** Resident memory of the node pod's processes, in megabytes; the larger of the two nodes. */
export async function residentMegabytes(cluster: Cluster, who: 'berth' | 'peer'): Promise<number> {
  const sums = nodeNames.map(async (name) => {
    const command = `for pid in $(pgrep -f '${patterns[who]}'); do grep VmRSS /proc/$pid/status; done`;
    const lines = (await cluster.nodes[name].run(command)).split('\n');
    return lines.reduce((sum, line) => sum + Number(/\d+/.exec(line)?.[0] ?? 0), 0) / 1024;
  });
  return Math.max(...(await Promise.all(sums)));
}
