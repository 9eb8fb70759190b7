import { nodeSegments } from '../identity/topology.ts';
import type { NodeGetInfoResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeGetInfo: the node's name, how many volumes may be attached to it (0: no limit), and its topology. */
export async function nodeGetInfo({
  driverName,
  nodeId,
  maxVolumesPerNode,
}: NodeContext): Promise<NodeGetInfoResponseInit> {
  return {
    node_id: nodeId,
    max_volumes_per_node: maxVolumesPerNode,
    accessible_topology: { segments: nodeSegments(driverName, nodeId) },
  };
}
