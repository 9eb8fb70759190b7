// buildah with a storage of its own in .cache/image, so that nothing of the machine's containers is touched.
import { join, resolve } from 'node:path';
import { execa } from 'execa';

export const checkout = resolve(import.meta.dirname, '../..');
export const workshop = join(checkout, '.cache/image');

/** A whole build, cold and on a slow network. Milliseconds. */
const timeout = 20 * 60_000;

/** Runs buildah and gives its standard output; what it did is in the error where it fails. */
export async function buildah(args: readonly string[]): Promise<string> {
  const storage = ['--root', join(workshop, 'storage'), '--runroot', join(workshop, 'run')];
  const result = await execa('buildah', [...storage, ...args], { timeout, reject: false, all: true });
  if (result.exitCode === 0) return result.stdout.trim();
  throw new Error(`buildah ${args[0]} failed:\n${result.all.split('\n').slice(-40).join('\n')}`);
}

export async function hasImage(name: string): Promise<boolean> {
  return (await imageNames()).includes(name);
}

/** Removes images by name, and with them the layers that only they had. */
export async function removeImages(names: readonly string[]): Promise<void> {
  if (names.length > 0) await buildah(['rmi', ...names]);
}

export async function imageNames(): Promise<string[]> {
  const listed = await buildah(['images', '--noheading', '--format', '{{.Name}}:{{.Tag}}']);
  return listed.split('\n').filter((name) => name !== '' && !name.startsWith('<none>'));
}

/**
 * Makes an image of a working container that `fill` has filled. The container is removed in any case.
 */
export async function commitNew(
  name: string,
  from: string,
  fill: (root: string, container: string) => Promise<void>,
): Promise<void> {
  const container = await buildah(['from', '--pull-never', from]);
  try {
    await fill(await buildah(['mount', container]), container);
    await buildah(['umount', container]);
    await buildah(['commit', '--quiet', container, name]);
  } finally {
    await buildah(['rm', container]);
  }
}
