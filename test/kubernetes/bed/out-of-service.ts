import type { NodeName } from './addresses.ts';
import type { Cluster } from './cluster.ts';

const taint = 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute';

/** As an administrator does once a node is known to be off: its pods are deleted and their volumes detached. */
export async function giveUp({ kubectl }: Cluster, node: NodeName): Promise<void> {
  await kubectl.until(['node', node], '{.status.conditions[?(@.type=="Ready")].status}', 'Unknown');
  await kubectl.run(['taint', 'node', node, taint]);
}

/** Once the node is back and Ready: it may have pods again. */
export async function takeBack(cluster: Cluster, node: NodeName): Promise<void> {
  await cluster.ready([node]);
  await cluster.kubectl.run(['taint', 'node', node, `${taint}-`]);
  await cluster.berthReady();
}
