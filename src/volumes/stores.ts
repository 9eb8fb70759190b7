import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import type { Backend } from '../pools/backend.ts';
import { localBackend } from '../pools/local.ts';
import type { MountObserver } from '../pools/mount-observer.ts';
import { nfsBackend } from '../pools/nfs.ts';
import { Pool } from '../pools/pool.ts';
import type { PoolUse } from '../pools/view.ts';
import { Copies } from './copies/copies.ts';
import type { PoolReport } from './pool-report.ts';
import { Janitor } from './removal/janitor.ts';
import { SnapshotInventory } from './snapshots/snapshot-inventory.ts';
import { Census } from './state/census.ts';
import { Inventory } from './state/inventory.ts';
import { announceNode, type NodeRecord } from './state/nodes.ts';
import { isIntact, openState, type State } from './state/state.ts';

/** A pool with what the controller keeps for it. */
export interface Store {
  readonly config: PoolConfig;
  readonly pool: Pool<State>;
  readonly inventory: Inventory;
  readonly janitor: Janitor;
  readonly census: Census;
  readonly copies: Copies;
  readonly snapshots: SnapshotInventory;
  /** How many images this process has replaced. */
  imagesReplaced: number;
}

export interface StoreOptions {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Where shares are mounted for the controller's own use. */
  readonly stateDir: string;
  /** Whether requests are being served; background work waits for them. */
  readonly busy: () => boolean;
  readonly log: Logger;
  readonly observeMount?: MountObserver | undefined;
}

/** All pools of the config, for the controller. */
export class Stores {
  readonly #stores = new Map<string, Store>();

  constructor(options: StoreOptions) {
    const { pools, busy, log } = options;
    for (const config of pools.values()) {
      const pool = new Pool(config.name, backendOf(config, options), controllerUse(config.name), log);
      const janitor = new Janitor(pool, busy, log);
      const census = new Census(pool);
      const copies = new Copies({ pool, log, onTrash: () => janitor.kick() });
      this.#stores.set(config.name, {
        config,
        pool,
        inventory: new Inventory(),
        janitor,
        census,
        copies,
        snapshots: new SnapshotInventory(),
        imagesReplaced: 0,
      });
    }
  }

  /** Attaches all pools in the background. */
  start(): void {
    for (const { pool } of this.#stores.values()) pool.start();
  }

  async stop(): Promise<void> {
    const stores = [...this.#stores.values()];
    await Promise.all(stores.map(({ copies }) => copies.stop()));
    for (const { janitor, census } of stores) {
      janitor.stop();
      census.stop();
    }
    await Promise.all(stores.map(({ pool }) => pool.stop()));
  }

  /** What is known of each pool, without asking it. */
  reports(): PoolReport[] {
    return this.all().map(({ pool, janitor, census, copies, imagesReplaced }) => ({
      name: pool.name,
      health: pool.health,
      reached: pool.reached,
      measures: pool.measures,
      trash: janitor.progress,
      counts: census.counts,
      imagesReplaced,
      copies: copies.totals,
    }));
  }

  all(): Store[] {
    return [...this.#stores.values()];
  }

  find(name: string): Store | undefined {
    return this.#stores.get(name);
  }

  /** The pool that a request names, or the only one there is. Throws INVALID_ARGUMENT where neither is clear. */
  choose(name: string | undefined): Store {
    const names = [...this.#stores.keys()];
    if (name === undefined || name === '') {
      const [only] = this.#stores.values();
      if (only !== undefined && names.length === 1) return only;
      throw unclear(`The parameter "pool" is missing; the config has ${names.join(', ')}: say which.`);
    }
    const store = this.#stores.get(name);
    if (store === undefined)
      throw unclear(
        `The parameter "pool" names a pool that the config does not have; it has ${names.join(', ')}.`,
      );
    return store;
  }

  /** Leaves a node's record on each pool, as soon and as often as that can be reached anew. */
  announce(node: NodeRecord, log: Logger): void {
    for (const { pool } of this.#stores.values()) {
      pool.onUp(() => {
        pool
          .use((state, tree) => announceNode(state, tree, node))
          .catch((error: unknown) =>
            log.warn({ err: error, pool: pool.name }, 'could not announce the node'),
          );
      });
    }
  }
}

/** The controller makes the state of a pool that it meets for the first time. */
function controllerUse(pool: string): PoolUse<State> {
  return {
    mayMake: true,
    isIntact,
    async prepare(tree, options) {
      const state = await openState(tree, options);
      if (state !== undefined) return state;
      throw new CsiError(
        status.UNAVAILABLE,
        'pool-state-missing',
        `The pool ${pool} has lost Berth's state, the directory .berth: perhaps another export or an empty disk is in its place; restore it, or restart the controller if all its volumes are gone for good.`,
      );
    },
  };
}

export function backendOf(
  config: PoolConfig,
  {
    stateDir,
    log,
    observeMount: observe = () => {},
  }: Pick<StoreOptions, 'stateDir' | 'log' | 'observeMount'>,
): Backend {
  switch (config.kind) {
    case 'local':
      return localBackend(config.name, config.local);
    case 'nfs':
      return nfsBackend(config.name, config.nfs, {
        directory: join(stateDir, 'controller', config.name),
        log,
        observe,
      });
  }
}

function unclear(message: string): CsiError {
  return new CsiError(status.INVALID_ARGUMENT, 'pool-unknown', message);
}
