import { CommandError } from './command-error.ts';
import { type Mount, readMountinfo } from './mountinfo.ts';
import { type Run, run } from './run.ts';

export interface UnmountOptions {
  /** For each attempt, in milliseconds. */
  readonly timeoutMs?: number;
  /**
   * False leaves out `umount -f`, which makes every call in flight on the whole file system fail: for a bind out
   * of a mount that others use, those would be the others' writes.
   */
  readonly force?: boolean;
  /** The machine; tests pass another. */
  readonly host?: { readonly run: Run; readonly readMountinfo: () => Mount[] };
}

/** A path is still a mount point after everything was tried. */
export class StillMountedError extends Error {
  readonly target: string;

  constructor(target: string, options: { cause: unknown }) {
    const why = options.cause instanceof CommandError ? ` (${options.cause.shortMessage})` : '';
    super(`${target} is still mounted after umount, also lazily${why}`, options);
    this.name = 'StillMountedError';
    this.target = target;
  }
}

/** More than this at one path is a fault elsewhere that must not keep us busy for ever. */
const maxLayers = 64;

/**
 * Takes away everything mounted at a path: plainly, then by force, then lazily, each with a deadline. What counts
 * is the mount table alone: umount of a dead NFS mount never returns and has detached it all the same. Nothing
 * mounted is fine, and gives false. Throws StillMountedError.
 */
export async function unmount(target: string, options: UnmountOptions = {}): Promise<boolean> {
  const { timeoutMs = 5_000, force = true, host = { run, readMountinfo } } = options;
  const layers = () => host.readMountinfo().filter((mount) => mount.mountPoint === target).length;
  const ways = force ? [[], ['-f'], ['-l']] : [[], ['-l']];

  let left = layers();
  if (left === 0) return false;
  for (let round = 0; left > 0 && round < maxLayers; round += 1) {
    const before = left;
    let cause: unknown;
    for (const way of ways) {
      try {
        // -c: a dead path is not looked at. -i: the helper umount.nfs would ask the server first.
        await host.run('umount', ['-c', '-i', ...way, '--', target], { timeoutMs });
      } catch (error) {
        cause = error;
      }
      left = layers();
      if (left < before) break;
    }
    if (left >= before) throw new StillMountedError(target, { cause });
  }
  if (left > 0) throw new StillMountedError(target, { cause: undefined });
  return true;
}
