import type { NodeGetInfoResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeGetInfo: the node's name, and how many volumes may be attached to it (0: no limit). */
export async function nodeGetInfo({
  nodeId,
  maxVolumesPerNode,
}: NodeContext): Promise<NodeGetInfoResponseInit> {
  return { node_id: nodeId, max_volumes_per_node: maxVolumesPerNode };
}
