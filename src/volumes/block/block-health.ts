import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { deviceSize } from '../../host/loop.ts';
import { type FilesystemUsage, troubleOf } from '../../host/statfs.ts';
import type { SharedMounts } from '../../pools/shared-mount.ts';
import type { UsageProbe } from '../../pools/usage-probe.ts';
import { isFilesystemType } from '../capability.ts';
import type { VolumeTrouble } from '../directory/directory-health.ts';
import { blockFailure } from './block-failure.ts';
import { type BlockNote, originOf } from './block-notes.ts';
import type { StagedBlocks } from './staged-blocks.ts';

/** How block volumes are on this node. */
export class BlockHealth {
  readonly #staged: StagedBlocks;
  readonly #mounts: SharedMounts;
  readonly #probe: UsageProbe;

  constructor(staged: StagedBlocks, mounts: SharedMounts, probe: UsageProbe) {
    this.#staged = staged;
    this.#mounts = mounts;
    this.#probe = probe;
  }

  /** The use of the filesystem; of a raw device its size in bytes. Throws NOT_FOUND, UNAVAILABLE. */
  async usage(volumeId: string, path: string): Promise<FilesystemUsage | bigint> {
    const { mount, device, note } = await this.#staged.at(volumeId, path);
    if (!isFilesystemType(mount.fsType)) return deviceSize(device) ?? 0n;
    try {
      return await this.#probe.ask(mount.mountPoint, mount.device);
    } catch (error) {
      throw blockFailure(error, { volumeId, ...originOf(note) });
    }
  }

  /** What is wrong with a volume here, at a path or, where that is empty, at all; usually nothing. */
  async trouble(volumeId: string, path: string): Promise<VolumeTrouble[]> {
    const staged = await this.#staged.find(volumeId);
    if (staged === undefined) {
      return [inaccessible('DeviceGone', 'it has no device any more; restart its pods')];
    }
    if (!(await this.#answers(staged.note))) {
      return [
        inaccessible('ServerNotAnswering', `the server of its pool ${staged.note.pool} does not answer`),
      ];
    }
    if (path === '') return [];
    try {
      await this.usage(volumeId, path);
      return [];
    } catch (error) {
      if (!(error instanceof CsiError)) throw error;
      return error.code === status.NOT_FOUND
        ? [inaccessible('NotMounted', 'it is not mounted at its publish path')]
        : [inaccessible('ServerNotAnswering', 'its filesystem does not answer')];
    }
  }

  /** Whether the pool's mount does that an image is on. The image's own filesystem need not ask it for anything. */
  async #answers({ device }: BlockNote): Promise<boolean> {
    const below = this.#mounts.held().find(({ mount }) => mount.device === device)?.mount;
    if (below === undefined) return true;
    try {
      await this.#probe.ask(below.mountPoint, below.device);
      return true;
    } catch (error) {
      return troubleOf(error) !== 'silent';
    }
  }
}

function inaccessible(reason: string, what: string): VolumeTrouble {
  return { status: 'INACCESSIBLE', reason, message: `The volume cannot be used on this node: ${what}.` };
}
