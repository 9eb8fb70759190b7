import { availableParallelism } from 'node:os';
import type { PoolConfig } from '../../config/schema.ts';
import { DeviceBusyError, deviceSize, growLoop, identify, isLeaving } from '../../host/loop.ts';
import { isFilesystemType } from '../capability.ts';
import type { BindAsides } from '../directory/bind-asides.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { Turns } from '../turns.ts';
import { stagedAsOther } from './block-errors.ts';
import { blockFailure } from './block-failure.ts';
import { type BlockNote, originOf } from './block-notes.ts';
import { notStaged, publishBlock } from './block-publish.ts';
import { BlockStage, type BlockStageDeps } from './block-stage.ts';
import { writableMountOf } from './device-shown.ts';
import { growDevice } from './grow-device.ts';
import { growMounted } from './mount-staged.ts';
import { attachReader, detachUnusedReaders, growReaders } from './reader-device.ts';
import { isOther, type StageBlock } from './stage-request.ts';
import { deviceOf, type StagedBlock } from './staged-blocks.ts';
import { takeDown, unmountStaged } from './take-down.ts';

export interface BlockNodeDeps extends BlockStageDeps {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly asides: BindAsides;
}

interface Target {
  readonly targetPath: string;
  /** For this pod. */
  readonly readOnly: boolean;
}

const timeoutMs = 20_000;

/**
 * Of one pool. A node that comes back stages all its volumes: begun all together, none would be there before the last,
 * and commands would meet their deadline while they wait for a processor.
 */
const stagesAtOnce = Math.max(4, 2 * availableParallelism());
/** A stage that takes longer waits for a server, or for e2fsck, and keeps no processor from others. */
const stagePatienceMs = 5_000;

/** Block volumes on a node, one call at a time for each: staged, given to pods, made larger, and taken away again. */
export class BlockNode {
  readonly #deps: BlockNodeDeps;
  readonly #stage: BlockStage;
  readonly #mutex = new KeyedMutex();
  readonly #turns: ReadonlyMap<string, Turns>;

  constructor(deps: BlockNodeDeps) {
    this.#deps = deps;
    this.#stage = new BlockStage(deps);
    this.#turns = new Map(
      [...deps.pools.keys()].map((pool) => [pool, new Turns(stagesAtOnce, stagePatienceMs)]),
    );
  }

  /** Repeated, it is the same as once. */
  async stage(request: StageBlock): Promise<void> {
    await this.#mutex.run([`volume ${request.volumeId}`], async () => {
      const turns = this.#turns.get(request.location.pool.name) ?? new Turns(1);
      await turns.take(() => this.#stage.run(request));
    });
  }

  /** Throws FAILED_PRECONDITION where the volume is not staged, after a reboot too. */
  async publish(request: StageBlock, { targetPath, readOnly }: Target): Promise<void> {
    const { volumeId, capability, stagingPath } = request;
    await this.#mutex.run([`volume ${volumeId}`, `target ${targetPath}`], async () => {
      const staged = await this.#stagedNow(request);
      if (staged === undefined) throw notStaged(volumeId);
      const { note, device } = staged;
      if (isOther(note, capability)) throw stagedAsOther(volumeId, !capability.block);
      const hasReader = capability.block && readOnly && !note.readOnly;
      try {
        if (isLeaving(device)) throw new DeviceBusyError(device);
        const given = hasReader ? await attachReader(staged, this.#deps.staged.notes) : device;
        const asked = { volumeId, staged, given, capability, readOnly, stagingPath, targetPath };
        await publishBlock(asked, this.#deps.asides);
      } catch (error) {
        if (hasReader) await this.#letReaderGo(volumeId);
        throw blockFailure(error, { volumeId, ...originOf(note) });
      }
    });
  }

  /** A reader that stays is found by the retry, and by the unstage. */
  async #letReaderGo(volumeId: string): Promise<void> {
    try {
      const staged = await this.#deps.staged.find(volumeId);
      if (staged !== undefined) await detachUnusedReaders(staged);
    } catch (error) {
      this.#deps.log.warn({ err: error, volume: volumeId }, 'a publish that failed left a device');
    }
  }

  /** `unmount`: takes away what is mounted for a pod, of which nothing need be known any more. */
  async unpublish(volumeId: string, unmount: () => Promise<void>): Promise<void> {
    const { staged } = this.#deps;
    // A filesystem's stage may take its time, and is nothing to its pods.
    if (staged.notes.find(volumeId)?.isRaw !== true) return unmount();
    await this.#mutex.run([`volume ${volumeId}`], async () => {
      await unmount();
      const found = await staged.find(volumeId);
      if (found === undefined) return;
      try {
        await detachUnusedReaders(found);
      } catch (error) {
        throw blockFailure(error, { volumeId, ...originOf(found.note) });
      }
    });
  }

  /**
   * What is staged; where that is another file than the node is told of now, or was one, it is staged anew. kubelet
   * stages nothing again for a pod that comes while it still has one from before the volume was taken from this node.
   */
  async #stagedNow(request: StageBlock): Promise<StagedBlock | undefined> {
    const { volumeId, location } = request;
    const { staged } = this.#deps;
    const found = await staged.find(volumeId);
    const note = staged.notes.find(volumeId);
    if (note === undefined || !note.isOfThisBoot || location.kind !== 'image') return found;
    if (note.image === location.image && found !== undefined) return found;
    await this.#stage.run(request);
    return staged.find(volumeId);
  }

  /**
   * Makes the device, and a filesystem on it, as large as the file is now; in use. Returns its bytes. UNAVAILABLE where
   * they are less than `required`.
   */
  async expand(volumeId: string, path: string, required: bigint): Promise<bigint> {
    return this.#mutex.run([`volume ${volumeId}`], async () => {
      const { mount, device, note } = await this.#deps.staged.at(volumeId, path);
      try {
        await growDevice({
          volumeId,
          required,
          fileSize: () => this.#fileSize(volumeId, note),
          async grow() {
            // A device of the node has grown by itself.
            if (note.node === undefined) await growLoop(device, { timeoutMs });
            await growReaders({ note, device });
          },
          size: () => deviceSize(device) ?? 0n,
        });
        if (isFilesystemType(mount.fsType) && !note.readOnly) {
          await growMounted(device, writableMountOf(device) ?? mount.mountPoint, mount.fsType);
        }
      } catch (error) {
        throw blockFailure(error, { volumeId, ...originOf(note) });
      }
      return deviceSize(device) ?? 0n;
    });
  }

  /** As the server has it; 0 for a device of the node. */
  async #fileSize(volumeId: string, { pool, image }: BlockNote): Promise<bigint> {
    const config = this.#deps.pools.get(pool);
    if (config === undefined || image === undefined) return 0n;
    const view = await this.#deps.mounts.ensure(config, [], volumeId);
    return (await identify(`${view.path}/${image}`, { timeoutMs })).size;
  }

  /**
   * Takes away what this node has of a volume. OK where it has nothing. Throws UNAVAILABLE for what is still in use.
   */
  async unstage(volumeId: string, stagingPath: string): Promise<void> {
    const { staged, mounts } = this.#deps;
    await this.#mutex.run([`volume ${volumeId}`], async () => {
      const note = staged.notes.find(volumeId);
      if (note === undefined) return;
      try {
        await unmountStaged(stagingPath, this.#deps.observe);
        const device = await deviceOf(note);
        if (device !== undefined) await takeDown({ note, device });
        await this.#freeAttachment(volumeId, note);
      } catch (error) {
        throw blockFailure(error, { volumeId, ...originOf(note) });
      }
      staged.notes.remove(volumeId);
      await mounts.release(volumeId);
    });
  }

  async #freeAttachment(volumeId: string, { pool, key, wasWritable }: BlockNote): Promise<void> {
    if (!wasWritable) return;
    const config = this.#deps.pools.get(pool);
    if (config === undefined) {
      this.#deps.log.warn(
        { volume: volumeId, pool },
        'an attachment stays in use on a pool that the config has no more',
      );
      return;
    }
    const view = await this.#deps.mounts.ensure(config, [], volumeId);
    await this.#deps.attachments.letGo(view.path, key);
  }
}
