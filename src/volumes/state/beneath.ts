import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';
import type { Dir, Tree } from '../../pools/tree.ts';

/** The place of a directory: its parent, held open, and its name in it. */
export interface Place {
  readonly parent: Dir;
  readonly name: string;
}

/**
 * Walks to the parent of a path below the pool's root, one component at a time and never through a symbolic
 * link, then works on the place. With `make`, missing parents are made (mode 0755), and removed
 * again if the work fails; without, they are ENOENT. A link in the path is FAILED_PRECONDITION.
 */
export async function atPlace<T>(
  tree: Tree,
  subDir: string,
  options: { readonly make: boolean },
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const parts = subDir.split('/');
  const name = parts.pop() ?? subDir;
  let parent = tree.root;
  let firstMade: number | undefined;
  try {
    for (const [index, part] of parts.entries()) {
      if (options.make && (await makeParent(tree, parent, part))) firstMade ??= index;
      const next = await enter(tree, parent, part, subDir);
      if (parent !== tree.root) tree.close(parent);
      parent = next;
    }
    return await work({ parent, name });
  } catch (error) {
    if (firstMade !== undefined) await removeParents(tree, parts, firstMade);
    throw error;
  } finally {
    if (parent !== tree.root) tree.close(parent);
  }
}

/** False where it is there already. */
async function makeParent(tree: Tree, parent: Dir, part: string): Promise<boolean> {
  try {
    await tree.mkdir(parent, part, 0o755);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  await tree.sync(parent);
  return true;
}

/** Removes the parents that were made for nothing, from the innermost outwards, as far as they are empty. */
async function removeParents(tree: Tree, parts: readonly string[], firstMade: number): Promise<void> {
  try {
    for (let length = parts.length; length > firstMade; length -= 1) {
      await atPlace(tree, parts.slice(0, length).join('/'), { make: false }, (place) =>
        tree.rmdir(place.parent, place.name),
      );
    }
  } catch {
    // Not there, or in use by others: the failure that led here is what the caller has to know.
  }
}

async function enter(tree: Tree, parent: Dir, part: string, subDir: string): Promise<Dir> {
  try {
    return await tree.openDir(parent, part);
  } catch (error) {
    if (isErrno(error, 'ENOTDIR', 'ELOOP')) throw notDirectory(subDir, part, error);
    throw error;
  }
}

/** The error for a path that leads through something that is not a plain directory. */
export function notDirectory(subDir: string, part: string, cause?: unknown): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'path-not-directory',
    `The directory ${subDir} cannot be used: "${part}" in it is a symbolic link or a file; name the real directory.`,
    { cause },
  );
}
