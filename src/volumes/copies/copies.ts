import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CsiError } from '../../errors/csi-error.ts';
import type { Counts } from '../../host/copy/copier.ts';
import type { Pool } from '../../pools/pool.ts';
import type { Named, Tree } from '../../pools/tree.ts';
import { within } from '../../within.ts';
import type { State } from '../state/state.ts';
import { Turns } from '../turns.ts';
import {
  beat,
  type CopyAbout,
  type CopyLock,
  cancelLock,
  isCancelled,
  isSame,
  moveAway,
  newLock,
  readLock,
  releaseLock,
  takeLock,
  takeOver,
} from './copy-lock.ts';
import { addCopy, type CopyTotals, noCopies } from './copy-totals.ts';
import { SilenceWatch } from './silence-watch.ts';

/** What is to be copied, and what becomes of it. */
export interface CopyWork<T> {
  /** For the log and for people: `the snapshot x`. */
  readonly what: string;
  readonly about: CopyAbout;
  /** Makes the copy under a name that is free, and has all of it on disk. */
  make(state: State, tree: Tree, copy: Named, watch: CopyWatch): Promise<void>;
  /** Puts it to its place; called right after that, by whoever has the job still. */
  publish(state: State, tree: Tree, copy: Named): Promise<T>;
  /** Takes back what was published, if it is this copy, since it was deleted at that very moment. */
  withdraw(state: State, tree: Tree, copy: Named, published: T): Promise<void>;
}

export interface CopyWatch {
  readonly progress: (counts: Counts) => void;
  readonly signal: AbortSignal;
}

interface Running {
  readonly about: CopyAbout;
  readonly ending: AbortController;
  done: Promise<unknown>;
  counts: Counts | undefined;
}

export interface CopiesOptions {
  readonly pool: Pick<Pool<State>, 'name' | 'use'>;
  readonly log: Logger;
  /** Something was moved to the trash. */
  readonly onTrash: () => void;
  readonly silence?: SilenceWatch;
}

const beatEveryMs = 5_000;
/** Each is a process, with threads of its own. */
const atOnce = 3;

/**
 * The copies that a controller makes on one pool. Each outlives the call that began it, and is joined by the calls that
 * repeat it; over all controllers it is made once (copy-lock.ts).
 */
export class Copies {
  readonly #pool: CopiesOptions['pool'];
  readonly #log: Logger;
  readonly #onTrash: () => void;
  readonly #worker = `${hostname()}-${randomBytes(6).toString('base64url')}`;
  readonly #running = new Map<string, Running>();
  /** Of copies that nobody waited for. */
  readonly #failures = new Map<string, unknown>();
  readonly #silence: SilenceWatch;
  readonly #turns = new Turns(atOnce);
  #totals = noCopies;

  constructor({ pool, log, onTrash, silence = new SilenceWatch() }: CopiesOptions) {
    this.#pool = pool;
    this.#log = log.child({ pool: pool.name });
    this.#onTrash = onTrash;
    this.#silence = silence;
  }

  get totals(): CopyTotals {
    return { ...this.#totals, running: this.#running.size };
  }

  /** What was copied so far; undefined where this process makes no such copy, or has not heard of it yet. */
  progress(job: string): Counts | undefined {
    return this.#running.get(job)?.counts;
  }

  /** What this process copies, or is about to. */
  about(job: string): CopyAbout | undefined {
    return this.#running.get(job)?.about;
  }

  /**
   * Makes a copy, or joins the one that is under way, and waits for it no longer than this: undefined where it is not
   * done by then. What it failed with is told once to those who wait, or to whoever asks next.
   */
  async run<T>(job: string, work: CopyWork<T>, patienceMs: number): Promise<T | undefined> {
    const failure = this.#failures.get(job);
    if (this.#failures.delete(job)) throw failure;
    const running = this.#running.get(job) ?? this.#begin(job, work);
    if (running.about.from !== work.about.from) throw ofAnother(work.what);
    let waited = true;
    const done = running.done.catch((error: unknown) => {
      // To be told by whoever is still there.
      if (!waited) this.#failures.set(job, error);
      throw error;
    });
    try {
      // The cast: a job is for one thing, and its name says which.
      return (await within(done, patienceMs)) as T | undefined;
    } finally {
      waited = false;
    }
  }

  /** Ends a copy, whoever makes it. Of one that this process makes nothing is under way any more afterwards. */
  async cancel(job: string): Promise<void> {
    await this.#end(job);
    await this.#pool.use(async (state, tree) => {
      if (!(await cancelLock(state, tree, job))) throw elsewhere('what is to be deleted');
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((job) => this.#end(job)));
  }

  async #end(job: string): Promise<void> {
    const running = this.#running.get(job);
    running?.ending.abort();
    await running?.done.catch(() => {});
    this.#failures.delete(job);
  }

  #begin<T>(job: string, work: CopyWork<T>): Running {
    const { about } = work;
    const running: Running = {
      about,
      ending: new AbortController(),
      counts: undefined,
      done: Promise.resolve(),
    };
    this.#running.set(job, running);
    running.done = this.#turns
      .take(() => this.#copy(job, work, running))
      .finally(() => this.#running.delete(job));
    return running;
  }

  async #copy<T>(job: string, work: CopyWork<T>, running: Running): Promise<T> {
    const { signal } = running.ending;
    const lock = newLock(this.#worker, work.about);
    if (signal.aborted) throw lost(work.what);
    await this.#pool.use((state, tree) => this.#take(state, tree, job, lock, work.what));
    const startedAt = performance.now();
    const beating = setInterval(() => void this.#beat(job, lock, running), beatEveryMs);
    try {
      return await this.#pool.use(async (state, tree) => {
        const copy = { dir: state.copies, name: lock.copy };
        const progress = (counts: Counts) => {
          running.counts = counts;
        };
        await work.make(state, tree, copy, { progress, signal });
        if (signal.aborted || !isSame(await readLock(state, tree, job), lock)) throw lost(work.what);
        const published = await work.publish(state, tree, copy);
        // Whoever deletes it cancels the job first, and looks for it then: one of both sees the other.
        const now = await readLock(state, tree, job);
        if (now !== undefined && isCancelled(now)) {
          await work.withdraw(state, tree, copy, published);
          throw lost(work.what);
        }
        const seconds = Math.round(performance.now() - startedAt) / 1000;
        this.#log.info({ what: work.what, seconds, ...running.counts }, 'copied');
        this.#totals = addCopy(this.#totals, running.counts);
        return published;
      });
    } catch (error) {
      this.#totals = { ...this.#totals, failed: this.#totals.failed + 1 };
      throw signal.aborted ? lost(work.what) : error;
    } finally {
      clearInterval(beating);
      // What fails here is swept up later.
      await this.#pool.use((state, tree) => this.#letGo(state, tree, job, lock)).catch(() => {});
    }
  }

  async #take(state: State, tree: Tree, job: string, lock: CopyLock, what: string): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (await takeLock(state, tree, job, lock)) return;
      const seen = await readLock(state, tree, job);
      if (seen === undefined) continue;
      // One of this process is of an attempt that could not even let go.
      const isFree = isCancelled(seen) || seen.worker === lock.worker;
      if (!isFree && seen.worker !== '' && seen.about.from !== lock.about.from) throw ofAnother(what);
      const mayTake = isFree || this.#silence.isSilent(job, seen);
      if (!mayTake) break;
      if (await takeOver(state, tree, job, seen, lock)) {
        this.#silence.forget(job);
        this.#log.info({ what, from: seen.worker }, 'a copy that its controller has left is begun anew');
        this.#onTrash();
        return;
      }
    }
    throw elsewhere(what);
  }

  async #beat(job: string, lock: CopyLock, running: Running): Promise<void> {
    try {
      await this.#pool.use(async (state, tree) => {
        if (isSame(await readLock(state, tree, job), lock)) await beat(state, tree, job);
        else running.ending.abort();
      });
    } catch {
      // A pool that is down: whether the job is still this one's is asked before anything is published.
    }
  }

  async #letGo(state: State, tree: Tree, job: string, lock: CopyLock): Promise<void> {
    await moveAway(state, tree, lock.copy);
    await releaseLock(state, tree, job, lock);
    this.#onTrash();
  }
}

function lost(what: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'copy-cancelled',
    `The copy for ${what} was cancelled, or taken over by another controller; repeat the call if it is still wanted.`,
  );
}

function elsewhere(what: string): CsiError {
  return new CsiError(
    status.ABORTED,
    'copy-elsewhere',
    `The copy for ${what} is being made by another controller; repeat the call.`,
  );
}

function ofAnother(what: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'copy-of-another',
    `There is ${what} under way already, made from something else; choose another name.`,
  );
}
