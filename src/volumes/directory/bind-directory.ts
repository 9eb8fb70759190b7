import type { PoolConfig } from '../../config/schema.ts';
import { bindMount } from '../../host/mount.ts';
import { refreshDirectories } from '../../host/refresh.ts';
import type { PoolView, SharedMounts } from '../../pools/shared-mount.ts';
import type { BindAsides } from './bind-asides.ts';
import { bindFailure, isMissing, isStale } from './bind-failure.ts';

export interface BindDirectory {
  readonly pools: SharedMounts;
  readonly pool: PoolConfig;
  readonly view: PoolView;
  readonly subDir: string;
  /** NFS options of the volume's own; to mount the pool again where that is needed. */
  readonly options: readonly string[];
  readonly volumeId: string;
  readonly target: string;
  readonly flags: readonly string[];
  readonly asides: BindAsides;
  /** The directory was published by this process before and cannot have been made anew since. */
  readonly fresh: boolean;
}

const timeoutMs = 20_000;

/**
 * Binds a volume's directory: one process as a rule. What the kernel knows of the pool may be old, so a name that
 * was looked up before is asked for anew, a name that is missing too, and a pool whose server was rebuilt
 * is mounted again. Throws CsiError.
 */
export async function bindDirectory(request: BindDirectory): Promise<void> {
  const { pools, view, subDir, volumeId, pool } = request;
  const cached = pools.mayBeCached(view, subDir) && !request.fresh;
  try {
    if (cached) await refresh(view, subDir);
    await bind(request, view);
  } catch (error) {
    if (view.source === undefined || !(isStale(error) || (isMissing(error) && !cached))) {
      throw bindFailure(error, volumeId, pool.name, timeoutMs);
    }
    await bindAgain(request, error);
  }
}

async function bindAgain(request: BindDirectory, first: unknown): Promise<void> {
  const { pools, pool, view, subDir, options, volumeId } = request;
  try {
    let now = view;
    if (isStale(first) || (await isRootStale(view, subDir))) {
      await pools.renew(view);
      now = await pools.ensure(pool, options, volumeId);
    }
    await bind(request, now);
  } catch (error) {
    throw bindFailure(error, volumeId, pool.name, timeoutMs);
  }
}

async function isRootStale(view: PoolView, subDir: string): Promise<boolean> {
  try {
    await refresh(view, subDir);
    return false;
  } catch (error) {
    if (isStale(error)) return true;
    throw error;
  }
}

async function bind({ subDir, target, flags, asides }: BindDirectory, view: PoolView): Promise<void> {
  const source = `${view.path}/${subDir}`;
  const aside = flags.length === 0 ? '' : await asides.make(target);
  try {
    await bindMount({ source, target, flags, aside, timeoutMs });
  } finally {
    if (aside !== '') asides.remove(target);
  }
}

/** All directories above the volume's own. One that is missing is left to the bind to tell. */
async function refresh(view: PoolView, subDir: string): Promise<void> {
  const parents = [view.path];
  for (const part of subDir.split('/').slice(0, -1)) parents.push(`${parents.at(-1)}/${part}`);
  try {
    await refreshDirectories(parents, { timeoutMs });
  } catch (error) {
    if (!isMissing(error) || isStale(error)) throw error;
  }
}
