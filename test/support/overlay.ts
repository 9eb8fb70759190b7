import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { cleanUp } from './clean-up.ts';
import { loopFilesystem } from './loop-filesystem.ts';
import { temporaryDirectory } from './tree.ts';

/**
 * An overlay of two file systems, as the root of a container or of a machine that was started from an image: what its
 * files tell as their device is none that the mount table has (kernel, filesystems/overlayfs.rst, "Inode properties").
 */
export async function overlay(t: TestContext): Promise<{ readonly path: string }> {
  const lower = await temporaryDirectory(t);
  const { path: disk } = await loopFilesystem(t, 'ext4');
  const [upper, work, path] = [join(disk, 'upper'), join(disk, 'work'), join(lower, 'mnt')];
  for (const directory of [upper, work, path]) await mkdir(directory);
  await execa`mount -t overlay -o ${`lowerdir=${lower},upperdir=${upper},workdir=${work}`} overlay ${path}`;
  cleanUp(t, () => execa`umount --lazy ${path}`);
  return { path };
}
