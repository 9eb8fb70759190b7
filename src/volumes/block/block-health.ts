import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { deviceSize } from '../../host/loop.ts';
import type { FilesystemUsage } from '../../host/statfs.ts';
import type { UsageProbe } from '../../pools/usage-probe.ts';
import { isFilesystemType } from '../capability.ts';
import type { VolumeTrouble } from '../directory/directory-health.ts';
import { blockFailure } from './block-failure.ts';
import { originOf } from './block-notes.ts';
import type { StagedBlocks } from './staged-blocks.ts';

/** How block volumes are on this node. */
export class BlockHealth {
  readonly #staged: StagedBlocks;
  readonly #probe: Pick<UsageProbe, 'ask'>;

  constructor(staged: StagedBlocks, probe: Pick<UsageProbe, 'ask'>) {
    this.#staged = staged;
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
    if ((await this.#staged.find(volumeId)) === undefined) {
      return [inaccessible('DeviceGone', 'it has no device any more; restart its pods')];
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
}

function inaccessible(reason: string, what: string): VolumeTrouble {
  return { status: 'INACCESSIBLE', reason, message: `The volume cannot be used on this node: ${what}.` };
}
