import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { cleanUp } from './clean-up.ts';

/** A real filesystem on a loop device, for what a directory of the machine cannot be made to do. */
export interface LoopFilesystem {
  readonly path: string;
  /** From now on whoever changes something in it waits in the kernel. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** From now on its calls fail with EIO, for good; xfs only. */
  shutDown(): Promise<void>;
  /** Takes all the space there is, root's reserve too, or gives it back. */
  fill(): Promise<void>;
  empty(): Promise<void>;
  remount(access: 'ro' | 'rw'): Promise<void>;
}

/** Makes one, in a directory of its own; gone at the end of the test. */
export async function loopFilesystem(t: TestContext, type: 'ext4' | 'xfs'): Promise<LoopFilesystem> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-loop-'));
  const image = join(directory, 'image');
  const path = join(directory, 'mnt');
  const filler = join(path, 'filler');
  await mkdir(path);
  // mkfs.xfs makes nothing smaller than 300 MiB; the image is sparse.
  await execa`truncate --size 320M ${image}`;
  await execa`mkfs -t ${type} ${type === 'xfs' ? '-q' : ['-q', '-F']} ${image}`;
  await execa`mount -o loop ${image} ${path}`;
  let frozen = false;
  const thaw = async () => {
    if (frozen) await execa`fsfreeze --unfreeze ${path}`;
    frozen = false;
  };
  cleanUp(t, async () => {
    await thaw();
    // Lazily: drivers end with the test too, and those that are still there have it open.
    await execa`umount --lazy ${path}`;
    await rm(directory, { recursive: true });
  });
  return {
    path,
    thaw,
    async freeze() {
      await execa`fsfreeze --freeze ${path}`;
      frozen = true;
    },
    async shutDown() {
      await execa`xfs_io -x -c ${'shutdown -f'} ${path}`;
    },
    async fill() {
      // In ever smaller pieces, to the last block.
      for (const size of [1 << 20, 1 << 12, 1]) {
        const { exitCode, stderr } = await execa({
          reject: false,
        })`dd if=/dev/zero of=${filler} bs=${size} oflag=append conv=notrunc,fsync status=none`;
        if (exitCode === 0 || !stderr.includes('No space left')) throw new Error(stderr);
      }
    },
    async empty() {
      await rm(filler);
      await execa`sync --file-system ${path}`;
    },
    async remount(access) {
      await execa`mount -o ${`remount,${access}`} ${path}`;
    },
  };
}
