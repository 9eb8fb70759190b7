import type { PoolMeasures } from '../pools/measures.ts';
import type { PoolHealth } from '../pools/pool.ts';
import type { CopyTotals } from './copies/copy-totals.ts';
import type { TrashProgress } from './removal/janitor.ts';
import type { Counts } from './state/census.ts';

/** What this process knows of a pool without asking it; for readiness and metrics. */
export interface PoolReport {
  readonly name: string;
  readonly health: PoolHealth;
  /** Whether it could be used at any time since the start. */
  readonly reached: boolean;
  /** Of a controller, which has the pool attached all the time. */
  readonly measures?: PoolMeasures;
  readonly trash?: TrashProgress;
  readonly counts?: Counts | undefined;
  readonly imagesReplaced?: number;
  readonly copies?: CopyTotals;
  /** Of a node: whether it has left its record on the pool, so that volumes can be attached to it. */
  readonly announced?: boolean;
}
