import fs from 'node:fs';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { Backend } from './backend.ts';
import { Gate } from './gate.ts';
import { Tree } from './tree.ts';

/** Calls in flight on one pool; the thread pool of the process has room for these and one probe of each pool. */
export const slotsPerPool = 8;

/** What a pool is used for, beside being reached. */
export interface PoolUse<S> {
  /**
   * Finds, or with `make` makes, on the tree what the work needs; called right after each attach. Only the first one
   * may make: what is missing later was lost, and must not be replaced by something empty.
   */
  prepare(tree: Tree, options: { readonly make: boolean }): Promise<S>;
  /** Whether what was found is still linked where it was; asked of trees that do not tell of it by ESTALE. */
  isIntact?(state: S, tree: Tree): Promise<boolean>;
  /** Whether this process may make what is missing at all. */
  readonly mayMake: boolean;
}

/** A pool's tree as it was attached once; a pool that heals may get another one. */
export interface View<S> {
  readonly path: string;
  /** Of this view alone: the slots of a dead one may be taken for as long as the kernel likes. */
  readonly gate: Gate;
  readonly tree: Tree;
  readonly state: S;
}

interface AttachOptions {
  readonly make: boolean;
  /** See GateOptions. */
  readonly callLimitMs: number;
  readonly onStuck: (ageMs: number, gate: Gate) => void;
}

const open = promisify(fs.open);

/** Throws what the backend, the file system or the use throws; nothing is left attached then. */
export async function attachView<S>(
  backend: Backend,
  use: PoolUse<S>,
  { make, callLimitMs, onStuck }: AttachOptions,
): Promise<View<S>> {
  const path = await backend.attach({ make });
  try {
    const fd = await open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    const gate: Gate = new Gate({
      slots: slotsPerPool,
      limitMs: callLimitMs,
      onStuck: (ageMs) => onStuck(ageMs, gate),
    });
    const tree = new Tree(gate, fd, backend.needsSync);
    try {
      return { path, gate, tree, state: await use.prepare(tree, { make }) };
    } catch (error) {
      tree.abandon();
      throw error;
    }
  } catch (error) {
    await backend.detach(path);
    throw error;
  }
}

/** Its gate is to be shut before, so that nothing begins on it any more. */
export async function dropView<S>(backend: Backend, { tree, path }: View<S>): Promise<void> {
  tree.abandon();
  await backend.detach(path);
}

/** Whether what is held open is still what the pool's path leads to. */
export async function isCurrent<S>(
  backend: Backend,
  use: PoolUse<S>,
  { tree, state }: View<S>,
  log: Logger,
): Promise<boolean> {
  if (backend.isCurrent === undefined) return true;
  try {
    return (await backend.isCurrent(tree.root)) && (await use.isIntact?.(state, tree)) !== false;
  } catch (error) {
    log.warn({ err: error }, 'the directory of the pool could not be looked at');
    return false;
  }
}
