import type { Logger } from 'pino';
import type { PoolConfig } from '../../config/schema.ts';
import type { MountObserver } from '../../pools/mount-observer.ts';
import { Pool, type PoolHealth } from '../../pools/pool.ts';
import type { PoolUse } from '../../pools/view.ts';
import type { PoolReport } from '../pool-report.ts';
import { backendOf } from '../stores.ts';
import { announceNode, type NodeRecord } from './nodes.ts';
import { openState, type State } from './state.ts';

export interface AnnounceOptions {
  readonly node: NodeRecord;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Where a share is mounted for the moment it takes. */
  readonly stateDir: string;
  readonly log: Logger;
  readonly observeMount?: MountObserver | undefined;
  /** Milliseconds; tests shorten them. */
  readonly repeatMs?: number;
  readonly retryMs?: number;
}

/** A share that was restored or rebuilt knows its nodes again after this time at the latest. */
const repeatEveryMs = 300_000;
/** A pool that answers, but cannot take the record (it is full, say, or no controller met it yet), is asked again. */
const retryEveryMs = 5_000;

/** What goes on in the background until it is ended. */
export interface Announcer {
  end(): Promise<void>;
  /** What is known of each pool, as of the last time it was attached. */
  reports(): PoolReport[];
}

/** A node makes nothing of a pool: where there is no state yet, no controller has met the pool. */
const nodeUse: PoolUse<State | undefined> = { mayMake: false, prepare: openState };

/**
 * Leaves a node's record on each pool, in the background, and sees to it again and again: each pool is attached for
 * the moment it takes, and one that cannot be reached is tried until it can.
 */
export function keepAnnounced(options: AnnounceOptions): Announcer {
  const each = [...options.pools.values()].map((config) => keepAnnouncedOn(config, options));
  return {
    async end() {
      await Promise.all(each.map((one) => one.end()));
    },
    reports: () => each.map((one) => one.report()),
  };
}

function keepAnnouncedOn(
  config: PoolConfig,
  options: AnnounceOptions,
): { end(): Promise<void>; report(): PoolReport } {
  const { node, log, repeatMs = repeatEveryMs, retryMs = retryEveryMs } = options;
  const { name } = config;
  let pool: Pool<State | undefined> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  let announced = false;
  let reached = false;
  let last: PoolHealth = { state: 'starting', reason: `The pool ${name} is being attached.` };

  function later(afterMs: number, work: () => void): void {
    if (ended) return;
    timer = setTimeout(work, afterMs);
    timer.unref();
  }

  function begin(): void {
    const attached = new Pool(name, backendOf(config, options), nodeUse, log);
    pool = attached;
    attached.onUp(() => {
      last = attached.health;
      reached = true;
      void announce(attached);
    });
    attached.start();
  }

  async function announce(attached: Pool<State | undefined>): Promise<void> {
    clearTimeout(timer);
    try {
      announced = await attached.use(async (state, tree) => {
        if (state === undefined) return false;
        await announceNode(state, tree, node);
        return true;
      });
      pool = undefined;
      await attached.stop();
      later(announced ? repeatMs : retryMs, begin);
    } catch (error) {
      announced = false;
      log.warn({ err: error, pool: name }, 'could not announce the node');
      later(retryMs, () => void announce(attached));
    }
  }

  begin();
  return {
    async end() {
      ended = true;
      clearTimeout(timer);
      await pool?.stop();
    },
    report() {
      // Attached anew it is "starting", and as it was before until that has gone one way or the other.
      if (pool?.health.state === 'down') last = pool.health;
      return { name, health: last, reached, announced };
    },
  };
}
