import { join } from 'node:path';
import type { Logger } from 'pino';
import type { PoolConfig } from '../config/schema.ts';
import type { MountObserver } from '../pools/mount-observer.ts';
import { SharedMounts } from '../pools/shared-mount.ts';
import { UsageProbe } from '../pools/usage-probe.ts';
import { BlockHealth } from '../volumes/block/block-health.ts';
import { BlockNode } from '../volumes/block/block-node.ts';
import { BlockNotes } from '../volumes/block/block-notes.ts';
import { NodeAttachments } from '../volumes/block/node-attachments.ts';
import { StagedBlocks } from '../volumes/block/staged-blocks.ts';
import { BindAsides } from '../volumes/directory/bind-asides.ts';
import { BindNotes } from '../volumes/directory/bind-notes.ts';
import { DirectoryHealth } from '../volumes/directory/directory-health.ts';
import { DirectoryNode } from '../volumes/directory/directory-node.ts';
import { PublishedVolumes } from '../volumes/directory/published-volumes.ts';
import type { Handlers } from '../wire/csi.ts';
import type { Services } from '../wire/generated/csi-types.ts';
import { nodeExpandVolume } from './expand-volume.ts';
import { nodeGetCapabilities } from './get-capabilities.ts';
import { nodeGetInfo } from './get-info.ts';
import { nodeGetStorageHealth } from './get-storage-health.ts';
import { nodeGetVolumeHealth } from './get-volume-health.ts';
import { nodeGetVolumeStats } from './get-volume-stats.ts';
import type { OwnAttacher } from './own-attacher.ts';
import { nodePublishVolume } from './publish-volume.ts';
import { nodeStageVolume } from './stage-volume.ts';
import { nodeUnpublishVolume } from './unpublish-volume.ts';
import { nodeUnstageVolume } from './unstage-volume.ts';

export interface NodeServiceDeps {
  readonly driverName: string;
  readonly nodeId: string;
  /** 0: no limit. */
  readonly maxVolumesPerNode: number;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Patterns of the devices that volumes may name. */
  readonly devices: readonly string[];
  /** On a disk of this machine; the pools are mounted below it. */
  readonly stateDir: string;
  readonly log: Logger;
  readonly observeMount?: MountObserver | undefined;
  /** Undefined: others attach, and say so in the requests. */
  readonly attacher?: OwnAttacher | undefined;
}

/** What the RPCs of the node work with. */
export interface NodeContext {
  readonly driverName: string;
  readonly nodeId: string;
  readonly maxVolumesPerNode: number;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly directories: DirectoryNode;
  readonly blocks: BlockNode;
  readonly staged: StagedBlocks;
  readonly health: DirectoryHealth;
  readonly blockHealth: BlockHealth;
  readonly attacher: OwnAttacher | undefined;
}

/**
 * CSI's Node service. Its requests are valid ones (server/validate.ts), its errors CsiError. What it has to remember is
 * in the mount table and on the disk, so it can be made anew any time.
 */
export function createNodeService(deps: NodeServiceDeps) {
  const { nodeId, maxVolumesPerNode, pools, devices, stateDir, log, observeMount: observe = () => {} } = deps;
  const mounts = new SharedMounts(join(stateDir, 'node'), log, observe);
  const notes = new BindNotes(join(stateDir, 'node-volumes'), log);
  const asides = new BindAsides(mounts.asides);
  const directories = new DirectoryNode({ mounts, asides, notes, log, observe });
  const stagedAt = (volumeId: string) => directories.locationOf(volumeId);
  const locationOf = (volumeId: string) => stagedAt(volumeId) ?? notes.find(volumeId, pools);
  const published = new PublishedVolumes({ pools, mounts, locationOf });
  const probe = new UsageProbe();
  const health = new DirectoryHealth({ pools, mounts, probe, published, stagedAt });
  const staged = new StagedBlocks(new BlockNotes(join(stateDir, 'node-blocks')));
  const attachments = new NodeAttachments(nodeId);
  const blocks = new BlockNode({ pools, devices, mounts, asides, attachments, staged, log, observe });
  const blockHealth = new BlockHealth(staged, mounts, probe);
  const context: NodeContext = {
    driverName: deps.driverName,
    nodeId,
    maxVolumesPerNode,
    pools,
    directories,
    blocks,
    staged,
    health,
    blockHealth,
    attacher: deps.attacher,
  };
  return {
    NodeStageVolume: (request) => nodeStageVolume(request, context),
    NodeUnstageVolume: (request) => nodeUnstageVolume(request, context),
    NodePublishVolume: (request) => nodePublishVolume(request, context),
    NodeUnpublishVolume: (request) => nodeUnpublishVolume(request, context),
    NodeGetVolumeStats: (request) => nodeGetVolumeStats(request, context),
    NodeExpandVolume: (request) => nodeExpandVolume(request, context),
    NodeGetCapabilities: nodeGetCapabilities,
    NodeGetInfo: () => nodeGetInfo(context),
    NodeGetVolumeHealth: (request) => nodeGetVolumeHealth(request, context),
    NodeGetStorageHealth: () => nodeGetStorageHealth(context),
  } satisfies Handlers<Services['Node']>;
}
