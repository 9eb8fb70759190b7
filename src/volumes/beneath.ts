import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/node-error.ts';
import type { Dir, Tree } from '../pools/tree.ts';

/** The place of a directory: its parent, held open, and its name in it. */
export interface Place {
  readonly parent: Dir;
  readonly name: string;
}

/**
 * Walks to the parent of a path below the pool's root, one component at a time and never through a symbolic
 * link, then works on the place. With `make`, missing parents are made (mode 0755); without, they are ENOENT.
 * A link in the path is FAILED_PRECONDITION.
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
  try {
    for (const part of parts) {
      const next = await enter(tree, parent, part, subDir, options.make);
      if (parent !== tree.root) tree.closeDir(parent);
      parent = next;
    }
    return await work({ parent, name });
  } finally {
    if (parent !== tree.root) tree.closeDir(parent);
  }
}

async function enter(tree: Tree, parent: Dir, part: string, subDir: string, make: boolean): Promise<Dir> {
  if (make) {
    try {
      await tree.mkdir(parent, part, 0o755);
      await tree.sync(parent);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
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
