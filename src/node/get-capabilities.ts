import type {
  NodeGetCapabilitiesResponseInit,
  NodeServiceCapabilityRPCType,
} from '../wire/generated/csi-types.ts';

const served: readonly NodeServiceCapabilityRPCType[] = [
  'STAGE_UNSTAGE_VOLUME',
  'GET_VOLUME_STATS',
  'EXPAND_VOLUME',
  'SINGLE_NODE_MULTI_WRITER',
  'GET_VOLUME_HEALTH',
  'GET_STORAGE_HEALTH',
];

/** CSI NodeGetCapabilities: never changes, since kubelet reads it when it likes. */
export async function nodeGetCapabilities(): Promise<NodeGetCapabilitiesResponseInit> {
  return { capabilities: served.map((type) => ({ rpc: { type } })) };
}
