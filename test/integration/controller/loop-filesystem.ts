import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { cleanUp } from '../../support/clean-up.ts';

/** A real filesystem on a loop device, for what a directory of the machine cannot be made to do. */
export interface LoopFilesystem {
  readonly path: string;
  /** From now on whoever changes something in it waits in the kernel. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** From now on its calls fail with EIO, for good; xfs only. */
  shutDown(): Promise<void>;
}

/** Makes one, in a directory of its own; gone at the end of the test. */
export async function loopFilesystem(t: TestContext, type: 'ext4' | 'xfs'): Promise<LoopFilesystem> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-loop-'));
  const image = join(directory, 'image');
  const path = join(directory, 'mnt');
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
  };
}
