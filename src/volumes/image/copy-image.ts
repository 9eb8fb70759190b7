import type { CopyOptions } from '../../host/copy/copier.ts';
import type { Named, Tree } from '../../pools/tree.ts';

/** `changed`: it was written to while it was copied, so the copy is none of any moment. */
export type ImageCopied = 'cloned' | 'copied' | 'changed';

/**
 * Copies an image to a name that is free. A copy that shares blocks is one moment's, whoever writes; any other takes
 * time, in which nothing may change.
 */
export async function copyImage(
  tree: Tree,
  from: Named,
  to: Named,
  options?: CopyOptions,
): Promise<ImageCopied> {
  const before = await statAnew(tree, from);
  const { cloned } = await tree.copy('file', from, to, options);
  if (cloned > 0) return 'cloned';
  const after = await statAnew(tree, from);
  return after.ctimeNs === before.ctimeNs && after.size === before.size ? 'copied' : 'changed';
}

/** An NFS client asks for the attributes of a file anew when it is opened (nfs(5), close-to-open). */
export async function statAnew(tree: Tree, { dir, name }: Named) {
  const file = await tree.openFile(dir, name);
  try {
    return await tree.stat(file);
  } finally {
    tree.close(file);
  }
}
