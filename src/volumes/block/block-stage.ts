import type { Logger } from 'pino';
import { blankFile, forgetCached } from '../../host/blank-file.ts';
import { CommandError } from '../../host/command-error.ts';
import { EmptyDeviceError, growLoop, identify, sequenceOf } from '../../host/loop.ts';
import { possibleMountPoint } from '../../host/mount-point.ts';
import type { MountObserver } from '../../pools/mount-observer.ts';
import type { PoolView, SharedMounts } from '../../pools/shared-mount.ts';
import { attachDevice } from '../device/attach-device.ts';
import { attachImage } from '../image/attach-image.ts';
import { mountPointOf } from '../publish-target.ts';
import type { AttachedDevice, AttachOptions } from './attached-device.ts';
import { notAttached, stagedAsOther, stagedTwin, stagingOccupied } from './block-errors.ts';
import { blockFailure } from './block-failure.ts';
import type { NewNote, NotedLoop } from './block-notes.ts';
import { isMounted, shownAt } from './device-shown.ts';
import { mountStaged } from './mount-staged.ts';
import type { NodeAttachments, UsedAttachment } from './node-attachments.ts';
import { fileOf, flagsOf, isOther, type StageBlock, truncation } from './stage-request.ts';
import { deviceOf, isSameFile, type StagedBlocks } from './staged-blocks.ts';
import { refuseHeld, takeDown, unmountStaged } from './take-down.ts';

export interface BlockStageDeps {
  /** Patterns of the devices that the config allows. */
  readonly devices: readonly string[];
  readonly mounts: SharedMounts;
  readonly attachments: NodeAttachments;
  readonly staged: StagedBlocks;
  readonly log: Logger;
  readonly observe: MountObserver;
}

const timeoutMs = 20_000;

/**
 * Gives a node what a block volume is used by: its device, and for a filesystem the mount at the staging path. What is
 * done is noted before it is done, so that a driver that was killed anywhere finds it again.
 */
export class BlockStage {
  readonly #deps: BlockStageDeps;

  constructor(deps: BlockStageDeps) {
    this.#deps = deps;
  }

  /**
   * Repeated, it is the same as once. What it began and could not finish is taken away again, or found by the retry.
   * One at a time for each volume is the caller's part.
   */
  async run(request: StageBlock): Promise<void> {
    const { volumeId, location, capability, stagingPath } = request;
    // Before anything is attached that the retry could not take away again.
    if (!capability.block) mountPointOf(stagingPath);
    const view = await this.#deps.mounts.ensure(location.pool, [], volumeId);
    try {
      await this.#leaveReplaced(request, view);
      await this.#stage(request, view);
    } catch (error) {
      // Else it would keep the pool mounted until the volume's unstage, which need not be asked for.
      if (this.#deps.staged.notes.find(volumeId) === undefined) await this.#deps.mounts.release(volumeId);
      throw blockFailure(error, { volumeId, pool: location.pool.name, isDevice: location.kind === 'device' });
    }
  }

  /** The volume was taken from this node and its image replaced (fence.ts): the old one is of no use any more. */
  async #leaveReplaced({ volumeId, location, stagingPath }: StageBlock, view: PoolView): Promise<void> {
    const { notes } = this.#deps.staged;
    const note = notes.find(volumeId);
    if (note === undefined || location.kind !== 'image') return;
    const now = await identify(`${view.path}/${location.image}`, { timeoutMs });
    // The number of a file that is gone may be that of a new one.
    if (isSameFile(note, now) && note.image === location.image) return;
    const loop = await deviceOf(note);
    if (loop !== undefined) {
      const target = possibleMountPoint(stagingPath);
      if (target !== undefined && shownAt(target) === loop) await unmountStaged(target, this.#deps.observe);
      await takeDown({ note, device: loop });
    }
  }

  async #stage(request: StageBlock, view: PoolView): Promise<void> {
    const known = this.#deps.staged.has(request.volumeId);
    this.#refuseOtherUse(request);
    const device = await this.#attach(request, view).catch(async (error: unknown) => {
      // What was given up may come about all the same: then it is found by its note.
      const isOver = !(error instanceof CommandError && error.timedOut);
      if (!known && isOver) await this.#forgetUnattached(request.volumeId);
      throw error;
    });
    try {
      if (device.size === 0n) throw new EmptyDeviceError(device.path);
      let used = await this.#claim(request, view);
      if (used?.how === 'making') {
        await this.#proveTold(request, view, used);
        used = await this.#blank(request, view, device, used);
      } else {
        const problem = truncation(request, device.size);
        if (problem !== undefined) {
          // Of a volume that is not this node's it may be another file.
          await this.#proveTold(request, view, used);
          throw problem;
        }
      }
      if (request.capability.block) await this.#proveTold(request, view, used);
      else await this.#mount(request, view, device, used);
    } catch (error) {
      await this.#letGo(request, view, device, known);
      throw error;
    }
  }

  #refuseOtherUse({ volumeId, capability, stagingPath }: StageBlock): void {
    const note = this.#deps.staged.notes.find(volumeId);
    if (note?.isOfThisBoot === true && isOther(note, capability))
      throw stagedAsOther(volumeId, !capability.block);
    if (capability.block || note?.isOfThisBoot !== true || shownAt(mountPointOf(stagingPath)) === undefined)
      return;
    if (note.flags !== undefined && note.flags !== flagsOf(capability))
      throw stagingOccupied(volumeId, stagingPath);
  }

  /** It was noted, and then not attached: no unstage need be asked for. */
  async #forgetUnattached(volumeId: string): Promise<void> {
    const { notes } = this.#deps.staged;
    const note = notes.find(volumeId);
    if (note !== undefined && (await deviceOf(note)) === undefined) notes.remove(volumeId);
  }

  async #attach(
    { volumeId, key, location, capability, readOnly }: StageBlock,
    view: PoolView,
  ): Promise<AttachedDevice> {
    const { staged, devices: patterns } = this.#deps;
    const place = {
      pool: location.pool.name,
      ...(location.kind === 'image' ? { image: location.image } : {}),
    };
    const before = staged.notes.find(volumeId)?.loop;
    let note: NewNote | undefined;
    const options: AttachOptions = {
      volumeId,
      readOnly,
      onFound: async (backing) => {
        const other = await staged.twinOf(volumeId, backing);
        if (other !== undefined) throw stagedTwin(volumeId, other);
        note = {
          volumeId,
          ...backing,
          ...place,
          key,
          isRaw: capability.block,
          flags: flagsOf(capability),
          readOnly,
        };
        staged.notes.write(note);
      },
    };
    const attached =
      location.kind === 'image'
        ? await attachImage(view, location.image, options)
        : await attachDevice(
            location.device,
            { patterns, staged: (await staged.find(volumeId))?.device },
            options,
          );
    if (note !== undefined) this.#noteLoop(note, attached, before);
    return attached;
  }

  /** Only of one that is known to be this file's; another one is looked for each time. */
  #noteLoop(note: NewNote, { path, isNew }: AttachedDevice, before: NotedLoop | undefined): void {
    const sequence = sequenceOf(path);
    if (sequence === undefined) return;
    if (!isNew && (before?.path !== path || before.sequence !== sequence)) return;
    try {
      this.#deps.staged.notes.write({ ...note, loop: { path, sequence } });
    } catch (error) {
      this.#deps.log.warn(
        { err: error, device: path },
        'a loop device could not be noted, and is looked for',
      );
    }
  }

  /**
   * Puts down that this node may write, if the volume is attached to it still; undefined where it only reads, or writes
   * beside other nodes. The file was opened before, so that it is the one which would be replaced. `making`: it was
   * making the filesystem when it was interrupted.
   */
  async #claim(request: StageBlock, view: PoolView): Promise<UsedAttachment | undefined> {
    const { volumeId, key, readOnly, capability } = request;
    // Writers on many nodes at once coordinate themselves: no copy could take the place of what others use.
    if (readOnly || capability.multiNode) return undefined;
    return orNotAttached(volumeId, await this.#deps.attachments.use(view.path, key));
  }

  /** Throws where the volume is not attached to this node, or not this file of it. Nothing is written before. */
  async #proveTold(request: StageBlock, view: PoolView, used: UsedAttachment | undefined): Promise<void> {
    const { attachments } = this.#deps;
    const isTold = await (used === undefined
      ? attachments.isAttached(view.path, request)
      : attachments.isFor(view.path, request, used));
    if (!isTold) throw notAttached(request.volumeId);
  }

  /** What a maker that was killed has left is nobody's data: nothing is mounted before it is gone. */
  async #blank(
    request: StageBlock,
    view: PoolView,
    device: AttachedDevice,
    used: UsedAttachment,
  ): Promise<UsedAttachment> {
    const { volumeId, key, location, size } = request;
    if (location.kind !== 'image') return used;
    // Mounted, or a maker that was given up is still at it.
    await refuseHeld(device.path);
    const whole = device.size > size ? device.size : size;
    await blankFile(`${view.path}/${location.image}`, whole, { timeoutMs });
    await growLoop(device.path, { timeoutMs });
    await forgetCached(device.path, { timeoutMs });
    return orNotAttached(volumeId, await this.#deps.attachments.endMaking(view.path, key, used));
  }

  /** `used`: undefined where nothing can be made. */
  async #mount(
    request: StageBlock,
    view: PoolView,
    device: AttachedDevice,
    used: UsedAttachment | undefined,
  ): Promise<void> {
    const { volumeId, key, readOnly, capability, stagingPath } = request;
    const { attachments, observe } = this.#deps;
    let now = used;
    await mountStaged(
      { volumeId, device: device.path, readOnly, flags: capability.mountFlags, stagingPath, observe },
      {
        ...request,
        file: fileOf(request, view),
        isHollow: device.isHollow,
        proveTold: () => this.#proveTold(request, view, used),
        onMaking: async () => {
          now = orNotAttached(volumeId, now && (await attachments.beginMaking(view.path, key, now)));
        },
        onMade: async () => {
          now = orNotAttached(volumeId, now && (await attachments.endMaking(view.path, key, now)));
        },
      },
    );
  }

  /**
   * What is mounted anywhere is in use, and its unstage is still to come; for the rest it need not be asked for, also
   * where a driver that was killed had begun it (`known`). A loop device that others have made is left to them.
   */
  async #letGo(
    { volumeId, key }: StageBlock,
    view: PoolView,
    device: AttachedDevice,
    known: boolean,
  ): Promise<void> {
    const { staged, attachments, log } = this.#deps;
    try {
      const note = staged.notes.find(volumeId);
      if (note === undefined || isMounted(device.path)) return;
      if (device.isNew || known) await takeDown({ note, device: device.path });
      if (note.wasWritable) await attachments.letGo(view.path, key);
      staged.notes.remove(volumeId);
    } catch (error) {
      log.warn({ err: error, device: device.path }, 'a stage that failed left a device');
    }
  }
}

function orNotAttached(volumeId: string, used: UsedAttachment | undefined): UsedAttachment {
  if (used === undefined) throw notAttached(volumeId);
  return used;
}
