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

/** What a sidecar would ask any one of many controllers for, each of which has volumes of its own. */
const ofOneController: readonly string[] = [
  'PUBLISH_UNPUBLISH_VOLUME',
  'LIST_VOLUMES_PUBLISHED_NODES',
  'PUBLISH_READONLY',
  'EXPAND_VOLUME',
  'MODIFY_VOLUME',
];

/** CSI ControllerGetCapabilities; `isOneOfMany`: there is one on each node. */
export async function controllerGetCapabilities(
  isOneOfMany: boolean,
): Promise<ControllerGetCapabilitiesResponseInit> {
  const served = isOneOfMany ? rpcs.filter((type) => !ofOneController.includes(type)) : rpcs;
  return { capabilities: served.map((type) => ({ rpc: { type } })) };
}
