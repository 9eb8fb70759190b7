import type { Logger } from 'pino';
import type { Pool } from '../../pools/pool.ts';
import { SilenceWatch } from '../copies/silence-watch.ts';
import { type Aside, forgetAside } from '../state/aside.ts';
import { endOf } from '../state/record.ts';
import type { State } from '../state/state.ts';
import { Ripening } from './ripening.ts';
import { sweepArchive } from './sweep-archive.ts';
import { sweepClaims } from './sweep-claims.ts';
import { sweepCopies } from './sweep-copies.ts';
import { sweepDeletions } from './sweep-deletions.ts';
import { emptyTrash, type TrashWatch } from './trash.ts';

/** The answer to a delete is sent, and perhaps the next one taken, before its bytes are removed. */
const calmMs = 250;
/**
 * What was set aside stays a little longer than an NFS client remembers a directory: who has walked through one that
 * was moved away then sees either the one or the other.
 */
const asideMs = 2_500;
/** Waits this long for a quiet moment, then goes on for one removal all the same: trash must not fill a pool. */
const patienceMs = 250;
const pollMs = 10;
/** A round that removed nothing, since the rest is not ripe or stuck, is repeated after this time. */
const againMs = 300_000;

/** How the background work on one pool's trash goes. */
export interface TrashProgress {
  /** Entries that wait, as of the last look at the trash and what was deleted since; undefined before the first. */
  readonly waiting: number | undefined;
  /** Entries that the last round could not remove. */
  readonly stuck: number;
  /** Deletions that were begun and that the last sweep could not end. */
  readonly unended: number;
  /** Entries removed by this process, and failed attempts to. */
  readonly removed: number;
  readonly failures: number;
}

/** Ends deletions and empties the trash of one pool in the background, behind the requests. */
export class Janitor {
  readonly #pool: Pool<State>;
  readonly #busy: () => boolean;
  readonly #log: Logger;
  /** A run is under way or about to begin. */
  #soon = false;
  /** Of those who make copies. */
  readonly #silence = new SilenceWatch();
  #sweptAt = Number.NEGATIVE_INFINITY;
  #kicked = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #deleted = new Ripening<Aside>(asideMs);
  #progress: TrashProgress = { waiting: undefined, stuck: 0, unended: 0, removed: 0, failures: 0 };

  /** `busy` says whether requests are being served, which then go first. */
  constructor(pool: Pool<State>, busy: () => boolean, log: Logger) {
    this.#pool = pool;
    this.#busy = busy;
    this.#log = log.child({ pool: pool.name });
    pool.onUp(() => this.kick());
  }

  get progress(): TrashProgress {
    return this.#progress;
  }

  /** A volume's directory has gone, perhaps into the trash. */
  deleted(aside: Aside): void {
    if (endOf(aside.record) === 'delete') this.#waiting(1);
    this.#deleted.add(aside);
    this.kick();
  }

  /** There may be something in the trash. */
  kick(): void {
    this.#kicked = true;
    // Not put off by the next delete: a stream of them must not keep the trash from ever being emptied.
    if (!this.#soon) this.#runAfter(calmMs);
    this.#soon = true;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** So many more, or less. */
  #waiting(change: number): void {
    const { waiting } = this.#progress;
    if (waiting !== undefined) this.#note({ waiting: Math.max(0, waiting + change) });
  }

  #note(change: Partial<TrashProgress>): void {
    this.#progress = { ...this.#progress, ...change };
  }

  async #run(): Promise<void> {
    this.#soon = true;
    const watch: TrashWatch = {
      found: (waiting) => this.#note({ waiting }),
      gone: (how) => {
        this.#waiting(-1);
        if (how === 'removed') this.#note({ removed: this.#progress.removed + 1 });
      },
    };
    await this.#sweep();
    while (this.#kicked && !this.#stopped) {
      this.#kicked = false;
      await this.#forgetDeleted();
      try {
        const { removed, stuck } = await this.#pool.use((state, tree) =>
          emptyTrash(state, tree, () => this.#pause(), watch),
        );
        for (const { name, error } of stuck) {
          this.#log.warn(
            { err: error, entry: name },
            'an entry of the trash cannot be removed; its space stays taken',
          );
        }
        this.#note({ stuck: stuck.length, failures: this.#progress.failures + stuck.length });
        if (removed > 0) {
          this.#log.debug({ removed }, 'trash emptied');
          this.#kicked = true;
        }
      } catch (error) {
        // A pool that is down kicks again when it is up.
        if (!this.#stopped) this.#log.warn({ err: error }, 'trash could not be emptied');
      }
    }
    this.#soon = false;
    this.#kicked = true;
    this.#runAfter(this.#deleted.size > 0 ? asideMs : againMs);
  }

  /** Now and then; what it looks for is left by a killed controller only. */
  async #sweep(): Promise<void> {
    if (performance.now() - this.#sweptAt < againMs) return;
    this.#sweptAt = performance.now();
    try {
      const { archive, refusals } = await this.#pool.use(async (state, tree) => {
        await sweepClaims(state, tree);
        await sweepCopies(state, tree, this.#silence);
        return { refusals: await sweepDeletions(state, tree), archive: await sweepArchive(state, tree) };
      });
      for (const entry of archive.expired) this.#log.info(entry, 'an archived volume has expired');
      for (const { entry, error } of archive.stuck) {
        this.#log.warn({ err: error, entry }, 'an archived volume has expired and cannot be removed');
      }
      this.#note({ unended: refusals.length });
      for (const error of refusals) this.#log.warn({ err: error }, 'a deletion cannot be ended');
    } catch (error) {
      if (!this.#stopped)
        this.#log.warn({ err: error }, 'what killed controllers have left could not be swept');
    }
  }

  /** What fails here is done by a sweep, or by the next controller. */
  async #forgetDeleted(): Promise<void> {
    const ripe = this.#deleted.takeRipe();
    if (ripe.length === 0) return;
    try {
      await this.#pool.use(async (state, tree) => {
        for (const aside of ripe) {
          await this.#pause();
          await forgetAside(state, tree, aside);
        }
      });
    } catch (error) {
      if (!this.#stopped) this.#log.warn({ err: error }, 'records of deleted volumes are left for a while');
    }
  }

  #runAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#run(), ms);
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
