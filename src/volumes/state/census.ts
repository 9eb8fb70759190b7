import type { Pool } from '../../pools/pool.ts';
import { isKey } from '../volume-id.ts';
import { attachedKeys } from './attachment-folder.ts';
import { recordKeys } from './records.ts';
import type { State } from './state.ts';

/** What is on a pool, counted by names alone. */
export interface Counts {
  readonly volumes: number;
  /** Volumes that are attached to a node or several, static ones included. */
  readonly attachedVolumes: number;
  /** Nodes that have announced themselves. */
  readonly nodes: number;
}

const defaultEveryMs = 60_000;

/** Counts what is on a pool now and then, in the background; two directories are listed for it. */
export class Census {
  readonly #pool: Pool<State>;
  readonly #everyMs: number;
  #counts: Counts | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(pool: Pool<State>, everyMs: number = defaultEveryMs) {
    this.#pool = pool;
    this.#everyMs = everyMs;
    pool.onUp(() => this.#countAfter(0));
  }

  /** As of the last count; undefined before the first, and where the pool could not be asked. */
  get counts(): Counts | undefined {
    return this.#counts;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #countAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#count(), ms);
    this.#timer.unref();
  }

  async #count(): Promise<void> {
    try {
      this.#counts = await this.#pool.use(async (state, tree) => {
        const names = await tree.list(state.volumes, '.');
        const nodes = await tree.list(state.nodes, '.');
        return {
          volumes: recordKeys(names).length,
          attachedVolumes: attachedKeys(names).length,
          nodes: nodes.filter(isKey).length,
        };
      });
    } catch {
      // The pool tells of its own state, and is counted anew when it is up.
      this.#counts = undefined;
    }
    this.#countAfter(this.#everyMs);
  }
}
