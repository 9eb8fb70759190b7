import type { NodeExpandVolumeRequest, NodeStageVolumeRequest } from '../wire/generated/csi-types.ts';

/**
 * Attaches volumes to this node where nobody else does: in the mode `local` every node is a controller of its own, and
 * Kubernetes has no sidecar that would attach and expand on each of them.
 */
export interface OwnAttacher {
  /** What ControllerPublishVolume would say to the node. May be called again and again. */
  attach(request: Attached): Promise<Readonly<Record<string, string>>>;
  detach(volumeId: string): Promise<void>;
  /** What ControllerExpandVolume does. */
  expand(request: NodeExpandVolumeRequest): Promise<void>;
}

type Attached = Pick<
  NodeStageVolumeRequest,
  'volume_id' | 'volume_context' | 'volume_capability' | 'publish_context'
>;

/** The request with what attaching the volume says, where it came without. */
export async function attached<T extends Attached>(
  request: T,
  attacher: OwnAttacher | undefined,
): Promise<T> {
  if (attacher === undefined) return request;
  return { ...request, publish_context: await attacher.attach(request) };
}
