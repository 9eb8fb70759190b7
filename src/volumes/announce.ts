import type { Logger } from 'pino';
import type { PoolConfig } from '../config/schema.ts';
import { Pool } from '../pools/pool.ts';
import { announceNode, type NodeRecord } from './nodes.ts';
import { openState } from './state.ts';
import { backendOf } from './stores.ts';

export interface AnnounceOptions {
  readonly node: NodeRecord;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Where a share is mounted for the moment it takes. */
  readonly stateDir: string;
  readonly log: Logger;
}

/**
 * Leaves a node's record on each pool, in the background: a pool that cannot be reached is tried again until it
 * can, and each is let go of once it has the record. Returns what ends the attempts.
 */
export function announceOnce({ node, pools, stateDir, log }: AnnounceOptions): () => Promise<void> {
  const open = new Set<Pool<unknown>>();
  for (const config of pools.values()) {
    const pool = new Pool(config.name, backendOf(config, stateDir, log), openState, log);
    open.add(pool);
    pool.onUp(() => {
      pool
        .use((state, tree) => announceNode(state, tree, node))
        .then(() => {
          open.delete(pool);
          return pool.stop();
        })
        .catch((error: unknown) =>
          log.warn({ err: error, pool: config.name }, 'could not announce the node'),
        );
    });
    pool.start();
  }
  return async () => {
    await Promise.all([...open].map((pool) => pool.stop()));
  };
}
