import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { type AttachHooks, attachRecorded } from '../volumes/attach-recorded.ts';
import { contextOfBlock } from '../volumes/block/publish-context.ts';
import { readCapability } from '../volumes/capability.ts';
import { sweepImages } from '../volumes/image/fence.ts';
import { type AttachResult, attach, detach } from '../volumes/state/attach.ts';
import type { Attachment } from '../volumes/state/attachment.ts';
import { attachmentFolder } from '../volumes/state/attachment-folder.ts';
import { attachedNodes } from '../volumes/state/attachments.ts';
import { isItsOwn, type LeftBehind, takeBack } from '../volumes/state/left-behind.ts';
import { findNode, type NodeRecord } from '../volumes/state/nodes.ts';
import type { VolumeRecord } from '../volumes/state/record.ts';
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
    ...(volume.record === undefined ? { handle: volumeId, ...locationOf(volume) } : {}),
  };
  const inTurn: AttachHooks['inTurn'] = (work) => withinLimit(deps, volume, node, work);
  const onReplaced: AttachHooks['onReplaced'] = ({ nodeId: from, how, bytes, seconds }) => {
    volume.store.imagesReplaced += 1;
    deps.log.warn(
      { volume: volumeId, from, to: nodeId, how, bytes: String(bytes), seconds },
      'an image was replaced, since it was taken by force from a node that may still write to it',
    );
  };
  const { key, record } = volume;
  const result =
    record === undefined
      ? await inTurn(() => attachStatic(volume, volumeId, wanted, capability.multiNode))
      : await volume.store.pool.use((state, tree) =>
          attachRecorded(state, tree, { key, record }, wanted, capability.multiNode, { inTurn, onReplaced }),
        );
  switch (result.kind) {
    case 'attached': {
      if (volume.record === undefined) volume.store.inventory.noteStatic(volume.key, volumeId);
      const attached = 'record' in result ? result.record : undefined;
      const context = volume.kind.kind === 'directory' ? {} : await contextOf(volume, attached);
      return { publish_context: { ...(readOnly ? { readonly: 'true' } : {}), ...context } };
    }
    case 'incompatible':
      throw new CsiError(
        status.ALREADY_EXISTS,
        'attached-differently',
        `The volume ${volumeId} is attached to the node ${nodeId} already, but in another way (read-only or access mode); detach it first.`,
      );
    case 'left':
      throw held(volume, volumeId, nodeId, result.left);
    case 'elsewhere':
      throw new CsiError(
        status.FAILED_PRECONDITION,
        'volume-in-use',
        `The volume ${volumeId} cannot be attached to the node ${nodeId}: it is attached to ${result.nodes.join(', ')}, and only one node may have it at a time; detach it there first.`,
      );
  }
}

/** Another node was taken a static volume by force, and nothing can take the place of that. */
function held({ key }: FoundVolume, volumeId: string, nodeId: string, left: readonly LeftBehind[]): CsiError {
  const nodes = left.map(({ attachment }) => attachment.nodeId).join(', ');
  const links = left.map(({ name }) => `${attachmentFolder(key)}/${name}`).join(', ');
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-held',
    `The volume ${volumeId} cannot be attached to the node ${nodeId}: it was taken by force from the node ${nodes}, which may still write to it. It is free once that node has let go of it, as it does when it is back; where it never is, and is surely off, remove ${links} from the pool.`,
  );
}

/** Where a static volume is. */
function locationOf({ path, image, device }: FoundVolume): Pick<Attachment, 'subDir' | 'image' | 'device'> {
  if (device !== undefined) return { device };
  if (image !== undefined) return { image };
  return path === undefined ? {} : { subDir: path };
}

/** What the node has to know of a block volume; `record`: as it is now that the volume is attached. */
async function contextOf(
  { store, key, image }: FoundVolume,
  record: VolumeRecord | undefined,
): Promise<Record<string, string>> {
  if (record !== undefined) store.inventory.note(key, record);
  if (record?.image?.file !== undefined || record?.image?.kept !== undefined)
    await store.pool.use((state, tree) => sweepImages(state, tree, key));
  return contextOfBlock(key, image, record);
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
  const result = await store.pool.use(async (state, tree) => {
    const first = await attach(state, tree, key, wanted, multiNode);
    if (first.kind !== 'left' || !first.left.every((left) => isItsOwn(left, { ...wanted, multiNode })))
      return first;
    for (const left of first.left) await takeBack(state, tree, key, left);
    return attach(state, tree, key, wanted, multiNode);
  });
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

/** Attaches to one node with a limit happen one after the other, so that each counts those before it. */
async function withinLimit<T>(
  deps: ControllerDeps,
  volume: FoundVolume,
  node: NodeRecord,
  attachIt: () => Promise<T>,
): Promise<T> {
  if (node.maxVolumes === 0) return attachIt();
  return deps.limitedNodes.run([node.nodeId], async () => {
    await refuseBeyondLimit(deps, volume, node);
    return attachIt();
  });
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
