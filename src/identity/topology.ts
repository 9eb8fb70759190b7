import { hashKey } from '../volumes/volume-id.ts';

/** What Kubernetes takes as the value of a label, which a node gets from its driver's topology. */
const labelValue = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** The key by which a node is told from others (CSI NodeGetInfo, `accessible_topology`). */
export function topologyKey(driverName: string): string {
  return `topology.${driverName.toLowerCase()}/node`;
}

/** The segments of one node; its name is hashed where it cannot be the value of a label. */
export function nodeSegments(driverName: string, nodeId: string): Record<string, string> {
  return { [topologyKey(driverName)]: labelValue.test(nodeId) ? nodeId : hashKey(nodeId) };
}
