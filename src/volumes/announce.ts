import type { Logger } from 'pino';
import type { PoolConfig } from '../config/schema.ts';
import { Pool } from '../pools/pool.ts';
import type { PoolUse } from '../pools/view.ts';
import { announceNode, type NodeRecord } from './nodes.ts';
import { openState, type State } from './state.ts';
import { backendOf } from './stores.ts';

export interface AnnounceOptions {
  readonly node: NodeRecord;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Where a share is mounted for the moment it takes. */
  readonly stateDir: string;
  readonly log: Logger;
  /** Milliseconds; tests shorten them. */
  readonly repeatMs?: number;
  readonly retryMs?: number;
}

/** A share that was restored or rebuilt knows its nodes again after this time at the latest. */
const repeatEveryMs = 300_000;
/** A pool that answers, but cannot take the record (it is full, say, or no controller met it yet), is asked again. */
const retryEveryMs = 5_000;

/** A node makes nothing of a pool: where there is no state yet, no controller has met the pool. */
const nodeUse: PoolUse<State | undefined> = { mayMake: false, prepare: openState };

/**
 * Leaves a node's record on each pool, in the background, and sees to it again and again: each pool is attached for
 * the moment it takes, and one that cannot be reached is tried until it can. Returns what ends it.
 */
export function keepAnnounced(options: AnnounceOptions): () => Promise<void> {
  const endings = [...options.pools.values()].map((config) => keepAnnouncedOn(config, options));
  return async () => {
    await Promise.all(endings.map((end) => end()));
  };
}

function keepAnnouncedOn(
  config: PoolConfig,
  { node, stateDir, log, repeatMs = repeatEveryMs, retryMs = retryEveryMs }: AnnounceOptions,
): () => Promise<void> {
  let pool: Pool<State | undefined> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  function later(afterMs: number, work: () => void): void {
    if (ended) return;
    timer = setTimeout(work, afterMs);
    timer.unref();
  }

  function begin(): void {
    const attached = new Pool(config.name, backendOf(config, stateDir, log), nodeUse, log);
    pool = attached;
    attached.onUp(() => void announce(attached));
    attached.start();
  }

  async function announce(attached: Pool<State | undefined>): Promise<void> {
    clearTimeout(timer);
    try {
      const announced = await attached.use(async (state, tree) => {
        if (state === undefined) return false;
        await announceNode(state, tree, node);
        return true;
      });
      pool = undefined;
      await attached.stop();
      later(announced ? repeatMs : retryMs, begin);
    } catch (error) {
      log.warn({ err: error, pool: config.name }, 'could not announce the node');
      later(retryMs, () => void announce(attached));
    }
  }

  begin();
  return async () => {
    ended = true;
    clearTimeout(timer);
    await pool?.stop();
  };
}
