import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { contextOfBlock } from '../volumes/block/publish-context.ts';
import { readCapability } from '../volumes/capability.ts';
import { fenceOff, sweepImages } from '../volumes/image/fence.ts';
import { attachRecorded } from '../volumes/state/attach-recorded.ts';
import {
  type Attachment,
  type AttachResult,
  attach,
  attachedNodes,
  detach,
} from '../volumes/state/attachments.ts';
import { findNode, type NodeRecord } from '../volumes/state/nodes.ts';
import type {
  ControllerPublishVolumeRequest,
  ControllerPublishVolumeResponseInit,
} from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { type FoundVolume, findVolume, isThere, notFound } from './find-volume.ts';
import { refuseOverlap } from './static-overlap.ts';

/** CSI ControllerPublishVolume: attaches a volume to a node; of a single-node volume there is one at a time. */
export async function controllerPublishVolume(
  deps: ControllerDeps,
  request: ControllerPublishVolumeRequest,
): Promise<ControllerPublishVolumeResponseInit> {
  const { volume_id: volumeId, node_id: nodeId } = request;
  const volume = await findVolume(deps.stores, volumeId, request.volume_context);
  const capability = readCapability(request.volume_capability, volume.kind);
  const node = await nodeOf(deps, volume, nodeId);
  const readOnly = request.readonly || capability.readOnly;
  const wanted = {
    nodeId,
    readOnly,
    ...(volume.record === undefined ? { handle: volumeId, ...placeOf(volume) } : {}),
  };
  const result = await deps.limitedNodes.run(node.maxVolumes > 0 ? [nodeId] : [], async () => {
    if (node.maxVolumes > 0) await refuseBeyondLimit(deps, volume, node);
    const { key, record } = volume;
    if (record === undefined) return attachStatic(volume, volumeId, wanted, capability.multiNode);
    return volume.store.pool.use((state, tree) =>
      attachRecorded(state, tree, { key, record }, wanted, capability.multiNode),
    );
  });
  switch (result.kind) {
    case 'attached': {
      if (volume.record === undefined) volume.store.inventory.noteStatic(volume.key, volumeId);
      const context = volume.kind.kind === 'directory' ? {} : await contextOf(volume, nodeId);
      return { publish_context: { ...(readOnly ? { readonly: 'true' } : {}), ...context } };
    }
    case 'incompatible':
      throw new CsiError(
        status.ALREADY_EXISTS,
        'attached-differently',
        `The volume ${volumeId} is attached to the node ${nodeId} already, but in another way (read-only or access mode); detach it first.`,
      );
    case 'elsewhere':
      throw new CsiError(
        status.FAILED_PRECONDITION,
        'volume-in-use',
        `The volume ${volumeId} cannot be attached to the node ${nodeId}: it is attached to ${result.nodes.join(', ')}, and only one node may have it at a time; detach it there first.`,
      );
  }
}

/** Where a static volume is. */
function placeOf({ path, image, device }: FoundVolume): Pick<Attachment, 'subDir' | 'image' | 'device'> {
  if (device !== undefined) return { device };
  if (image !== undefined) return { image };
  return path === undefined ? {} : { subDir: path };
}

/** What the node has to know of a block volume. No other node can write to it any more when this returns. */
async function contextOf(
  { store, key, image, record }: FoundVolume,
  nodeId: string,
): Promise<Record<string, string>> {
  if (record === undefined) return contextOfBlock(key, image, undefined);
  const now = await store.pool.use(async (state, tree) => {
    const fenced = await fenceOff(state, tree, { key, record }, nodeId);
    // Cut off after it had replaced the image, it left the old one.
    if (record.image?.file !== undefined) await sweepImages(state, tree, key);
    return fenced;
  });
  store.inventory.note(key, now);
  return contextOfBlock(key, image, now);
}

/** Looks before and afterwards: what it overlaps may be made, or the directory deleted, at the same moment. */
async function attachStatic(
  volume: FoundVolume,
  volumeId: string,
  wanted: Attachment,
  multiNode: boolean,
): Promise<AttachResult> {
  const { store, key } = volume;
  await refuseOverlap(volume, volumeId, wanted.readOnly);
  const result = await store.pool.use((state, tree) => attach(state, tree, key, wanted, multiNode));
  if (result.kind !== 'attached' || !result.fresh) return result;
  try {
    await refuseOverlap(volume, volumeId, wanted.readOnly);
    if (!(await isThere(volume))) throw notFound(volumeId);
  } catch (error) {
    await store.pool.use((state, tree) => detach(state, tree, key, wanted.nodeId));
    throw error;
  }
  return result;
}

async function nodeOf({ ownNode }: ControllerDeps, volume: FoundVolume, nodeId: string): Promise<NodeRecord> {
  if (ownNode?.nodeId === nodeId) return ownNode;
  const node = await volume.store.pool.use((state, tree) => findNode(state, tree, nodeId));
  if (node !== undefined) return node;
  throw new CsiError(
    status.NOT_FOUND,
    'node-not-found',
    `The node ${nodeId} is not known on the pool ${volume.store.config.name}: no node plugin of that name has announced itself there; check that it runs and reaches the pool.`,
  );
}

async function refuseBeyondLimit(
  { stores }: ControllerDeps,
  volume: FoundVolume,
  node: NodeRecord,
): Promise<void> {
  let count = 0;
  for (const store of stores.all()) {
    const { keys, attached } = await store.pool.use((state, tree) => store.inventory.keys(state, tree));
    for (const key of keys.filter((name) => attached.has(name))) {
      const nodes = await store.pool.use((state, tree) => attachedNodes(state, tree, key));
      if (!nodes.includes(node.nodeId)) continue;
      if (store === volume.store && key === volume.key) return;
      count += 1;
    }
  }
  if (count < node.maxVolumes) return;
  throw new CsiError(
    status.RESOURCE_EXHAUSTED,
    'node-full',
    `The node ${node.nodeId} has ${count} volumes attached, which is its limit (--max-volumes-per-node); detach one or use another node.`,
  );
}
