import type { ControllerGetCapabilitiesResponseInit } from '../wire/generated/csi-types.ts';

/** Static: sidecars read them once, when they start. */
const rpcs = [
  'CREATE_DELETE_VOLUME',
  'PUBLISH_UNPUBLISH_VOLUME',
  'LIST_VOLUMES',
  'LIST_VOLUMES_PUBLISHED_NODES',
  'GET_CAPACITY',
  'CREATE_DELETE_SNAPSHOT',
  'LIST_SNAPSHOTS',
  'CLONE_VOLUME',
  'GET_SNAPSHOT',
  'PUBLISH_READONLY',
  'EXPAND_VOLUME',
  'GET_VOLUME',
  'SINGLE_NODE_MULTI_WRITER',
  'MODIFY_VOLUME',
  'GET_VOLUME_HEALTH',
  'LIST_VOLUME_HEALTH',
] as const;

/** CSI ControllerGetCapabilities. */
export async function controllerGetCapabilities(): Promise<ControllerGetCapabilitiesResponseInit> {
  return { capabilities: rpcs.map((type) => ({ rpc: { type } })) };
}
