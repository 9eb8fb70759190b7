import type { Dirent } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import type { Dir, Tree } from '../../pools/tree.ts';
import { settledMs } from '../state/settled.ts';
import type { State } from '../state/state.ts';

/** Files removed at once; half of a pool's slots stay free for requests. */
const parallel = 4;
/** Below this depth a subtree is first moved up: each level held open costs a descriptor. */
const maxDepth = 32;
/** These tell of the pool and not of an entry. */
const poolFailures = ['ETIMEDOUT', 'EHOSTDOWN', 'EBADF', 'EROFS'];
/** These may tell of either. */
const doubtful = ['ESTALE', 'EIO'];

/** Told how many entries wait, and of each that is gone: removed here, or by another controller. */
export interface TrashWatch {
  found(count: number): void;
  gone(how: 'removed' | 'elsewhere'): void;
}

const nobody: TrashWatch = { found: () => {}, gone: () => {} };

/**
 * Empties the trash of a pool, entry by entry. `pause` is awaited between removals, so that requests go first.
 * Never follows a link: every directory is opened without following one and its entries are removed from there,
 * for a pod that still has the volume mounted may swap things while they are removed.
 */
export async function emptyTrash(
  state: State,
  tree: Tree,
  pause: () => Promise<void>,
  watch: TrashWatch = nobody,
): Promise<{ removed: number; stuck: StuckEntry[] }> {
  let removed = 0;
  const stuck: StuckEntry[] = [];
  const names = await tree.list(state.trash, '.');
  // What is made aside for a moment is nothing that waits.
  watch.found(names.filter((name) => !isTemporary(name)).length);
  for (const name of names) {
    await pause();
    if (isTemporary(name) && !(await isOld(state, tree, name))) continue;
    try {
      await removeEntry(state, tree, name, pause);
      removed += 1;
      if (!isTemporary(name)) watch.gone('removed');
    } catch (error) {
      // Another controller empties the same trash, or the entry was moved on; the next round sees what is left.
      if (isErrno(error, 'ENOENT') && !isTemporary(name)) watch.gone('elsewhere');
      if (isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) continue;
      // What one pod has made impossible to remove, or swaps meanwhile, must not keep the rest.
      if (!isErrno(error) || isErrno(error, ...poolFailures)) throw error;
      // Throws the same for the folder where it is the pool that fails.
      if (isErrno(error, ...doubtful)) await tree.list(state.trash, '.');
      stuck.push({ name, error });
    }
  }
  return { removed, stuck };
}

/** An entry that cannot be removed, and why. */
export interface StuckEntry {
  readonly name: string;
  readonly error: Error;
}

function isTemporary(name: string): boolean {
  return name.startsWith('tmp-');
}

async function isOld(state: State, tree: Tree, name: string): Promise<boolean> {
  try {
    const { ctimeMs } = await tree.lstat(state.trash, name);
    return Date.now() - Number(ctimeMs) > settledMs;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeEntry(
  state: State,
  tree: Tree,
  name: string,
  pause: () => Promise<void>,
): Promise<void> {
  try {
    // Most volumes are empty by the time they are deleted, or a retry has emptied them.
    await tree.rmdir(state.trash, name);
    return;
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return tree.unlink(state.trash, name);
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  await removeContents(state, tree, state.trash, Buffer.from(name), 0, pause);
  await tree.rmdir(state.trash, name);
}

async function removeContents(
  state: State,
  tree: Tree,
  parent: Dir,
  name: Buffer,
  depth: number,
  pause: () => Promise<void>,
): Promise<void> {
  const dir = await tree.openDir(parent, name);
  try {
    const entries = await tree.entries(dir, '.');
    const subdirectories = entries.filter((entry) => entry.isDirectory());
    await removeFiles(
      tree,
      dir,
      entries.filter((entry) => !entry.isDirectory()),
      pause,
    );
    for (const { name: sub } of subdirectories) {
      if (depth >= maxDepth) {
        await tree.rename(dir, sub, state.trash, `deep-${process.hrtime.bigint().toString(36)}`);
        continue;
      }
      await removeContents(state, tree, dir, sub, depth + 1, pause);
      await tree.rmdir(dir, sub);
    }
  } finally {
    tree.close(dir);
  }
}

async function removeFiles(
  tree: Tree,
  dir: Dir,
  entries: Dirent<Buffer>[],
  pause: () => Promise<void>,
): Promise<void> {
  const queue = entries.values();
  let failure: unknown;
  const worker = async (): Promise<void> => {
    for (const { name } of queue) {
      if (failure !== undefined) return;
      try {
        await pause();
        await tree.unlink(dir, name);
      } catch (error) {
        // Removed by another controller, or by a pod that still has the volume.
        if (!isErrno(error, 'ENOENT')) failure = error;
      }
    }
  };
  // All of them have ended before anybody closes the directory.
  await Promise.all(Array.from({ length: parallel }, worker));
  if (failure !== undefined) throw failure;
}
