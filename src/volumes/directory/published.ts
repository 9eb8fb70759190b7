import { isNfs, type Mount } from '../../host/mountinfo.ts';
import type { PoolView } from '../../pools/shared-mount.ts';

/** One directory of a pool, as the mount table shows a bind of it. */
export interface Directory {
  readonly device: string;
  readonly root: string;
  /** NFS only: `server:/path`, which outlives the device number where the pool's mount was made anew. */
  readonly source: string | undefined;
}

export function directoryIn(view: PoolView, subDir: string): Directory {
  return {
    device: view.mount.device,
    root: view.root === '/' ? `/${subDir}` : `${view.root}/${subDir}`,
    source: view.source === undefined ? undefined : joinSource(view.source, subDir),
  };
}

/**
 * Proves that a mount shows exactly this directory. The kernel notes the directory itself and not the path that
 * led to it, so where the path went through a symbolic link or into another file system, something differs: on
 * NFS the source or the device (its root is always "/"), elsewhere the root or the device.
 */
export function isExactly(mount: Mount, directory: Directory): boolean {
  if (mount.device !== directory.device || mount.deleted) return false;
  return directory.source === undefined ? mount.root === directory.root : mount.source === directory.source;
}

/** Whether a mount is this directory's, be it out of an earlier mount of its pool. */
export function isOf(mount: Mount, directory: Directory): boolean {
  return isExactly(mount, directory) || (isNfs(mount) && !mount.deleted && mount.source === directory.source);
}

function joinSource(source: string, subDir: string): string {
  return source.endsWith('/') ? source + subDir : `${source}/${subDir}`;
}
