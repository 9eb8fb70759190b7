import type { Logger } from 'pino';
import type { Pool } from '../pools/pool.ts';
import type { State } from './state.ts';
import { emptyTrash } from './trash.ts';

/** Waits this long for a quiet moment, then goes on for one removal all the same: trash must not fill a pool. */
const patienceMs = 250;
const pollMs = 10;
/** A round that removed nothing, since the rest is not ripe or stuck, is repeated after this time. */
const againMs = 300_000;

/** Empties the trash of one pool in the background, behind the requests. */
export class Janitor {
  readonly #pool: Pool<State>;
  readonly #busy: () => boolean;
  readonly #log: Logger;
  #running = false;
  #kicked = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  /** `busy` says whether requests are being served, which then go first. */
  constructor(pool: Pool<State>, busy: () => boolean, log: Logger) {
    this.#pool = pool;
    this.#busy = busy;
    this.#log = log.child({ pool: pool.name });
    pool.onUp(() => this.kick());
  }

  /** There is something in the trash. */
  kick(): void {
    this.#kicked = true;
    if (!this.#running && !this.#stopped) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    this.#running = true;
    clearTimeout(this.#timer);
    while (this.#kicked && !this.#stopped) {
      this.#kicked = false;
      try {
        const { removed, stuck } = await this.#pool.use((state, tree) =>
          emptyTrash(state, tree, () => this.#pause()),
        );
        for (const { name, error } of stuck) {
          this.#log.warn(
            { err: error, entry: name },
            'an entry of the trash cannot be removed; its space stays taken',
          );
        }
        if (removed > 0) {
          this.#log.debug({ removed }, 'trash emptied');
          this.#kicked = true;
        }
      } catch (error) {
        // A pool that is down kicks again when it is up.
        if (!this.#stopped) this.#log.warn({ err: error }, 'trash could not be emptied');
      }
    }
    this.#running = false;
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.kick(), againMs);
    this.#timer.unref();
  }

  async #pause(): Promise<void> {
    if (this.#stopped) throw new Error('the driver ends');
    const until = performance.now() + patienceMs;
    while (this.#busy() && performance.now() < until && !this.#stopped) {
      await new Promise((resolve) => {
        setTimeout(resolve, pollMs);
      });
    }
  }
}
