import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CsiError } from '../errors/csi-error.ts';
import { errnoName, isErrno } from '../errors/errno.ts';
import { fromNodeError } from '../errors/node-error.ts';
import { within } from '../within.ts';
import type { Backend } from './backend.ts';
import { askUsage, type PoolMeasures, type PoolUsage } from './measures.ts';
import type { Tree } from './tree.ts';
import { attachView, dropView, isCurrent, type PoolUse, type View } from './view.ts';

/** A call on a pool that takes longer marks the pool dead. Below the sidecars' 10 s, so that they get a reason. */
const callLimitMs = 6_000;
/** How long a request waits for a pool that is being attached for the first time. */
const startLimitMs = 8_000;
/** An answer slower than this is reported as a degraded pool. */
const slowMs = 1_000;
const defaultProbeEveryMs = 15_000;
const retryEveryMs = 1_000;
const tellEveryMs = 60_000;
/** A view that stays dead this long is replaced by a fresh one, which also finds a server that moved. */
const reattachAfterMs = 8_000;

/** What is known of a pool, without asking it. */
export interface PoolHealth {
  readonly state: 'starting' | 'up' | 'slow' | 'down';
  /** A sentence for people; empty while all is well. */
  readonly reason: string;
}

/** How a probe went; `gone`: what is held open is no longer what the pool's path leads to. */
type Answer = 'well' | 'failed' | 'gone';

/**
 * One pool as the controller uses it: attached once, kept, healed when it fails, let go of at the end.
 * `S` is what `prepare` finds on the tree.
 */
export class Pool<S> {
  readonly name: string;
  readonly #backend: Backend;
  readonly #use: PoolUse<S>;
  readonly #log: Logger;
  readonly #probeEveryMs: number;
  readonly #onUp = new Set<() => void>();
  #view: View<S> | undefined;
  #down: CsiError | undefined;
  #downSince = 0;
  #lastProbeMs: number | undefined;
  #usage: PoolUsage | undefined;
  #failures = 0;
  #started: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  /** The question that the server has not answered yet. */
  #probe: Promise<Answer> | undefined;
  #stopped = false;
  #everUp = false;
  #told: { readonly what: string; readonly at: number } | undefined;
  /** The view will never work again: what it leads to is gone from the server. */
  #stale = false;

  constructor(
    name: string,
    backend: Backend,
    use: PoolUse<S>,
    log: Logger,
    probeEveryMs: number = defaultProbeEveryMs,
  ) {
    this.#probeEveryMs = probeEveryMs;
    this.name = name;
    this.#backend = backend;
    this.#use = use;
    this.#log = log.child({ pool: name });
  }

  get health(): PoolHealth {
    if (this.#down !== undefined) return { state: 'down', reason: this.#down.message };
    if (this.#view === undefined)
      return { state: 'starting', reason: `The pool ${this.name} is being attached.` };
    const took = Math.round(this.#lastProbeMs ?? 0);
    if (took > slowMs) return { state: 'slow', reason: `The pool ${this.name} took ${took} ms to answer.` };
    return { state: 'up', reason: '' };
  }

  get measures(): PoolMeasures {
    const { inFlight = 0, held = 0 } = this.#view?.gate ?? {};
    const answered = this.#down === undefined;
    return {
      inFlight,
      held,
      failures: this.#failures,
      probeSeconds: answered && this.#lastProbeMs !== undefined ? this.#lastProbeMs / 1000 : undefined,
      usage: answered ? this.#usage : undefined,
    };
  }

  /** Whether it could be used at any time so far. */
  get reached(): boolean {
    return this.#everUp;
  }

  /** Calls this each time the pool has become reachable (again). */
  onUp(listener: () => void): void {
    this.#onUp.add(listener);
  }

  /** Attaches the pool in the background; a pool that cannot be attached is tried again until it can. */
  start(): void {
    this.#started ??= this.#check();
  }

  /**
   * Works on the pool's tree. Fails at once with UNAVAILABLE while the pool is known to be dead, and with the
   * code for the errno where a call on it failed.
   */
  async use<T>(work: (state: S, tree: Tree) => Promise<T>): Promise<T> {
    if (this.#view === undefined && this.#down === undefined) await this.#waitForStart();
    if (this.#down !== undefined || this.#view === undefined)
      throw this.#down ?? this.#unavailable('is not attached');
    try {
      return await work(this.#view.state, this.#view.tree);
    } catch (error) {
      // One file that fails or is missing says nothing of the others: the probe finds out whether it is the pool.
      if (isErrno(error, 'EIO', 'ENOENT')) this.#schedule(0);
      if (isErrno(error, 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN', 'EBADF')) {
        const name = errnoName(error);
        this.#stale ||= name === 'ESTALE' || name === 'EBADF';
        this.#fail(`a call failed with ${name}`, this.#unavailable(`does not answer (${name})`));
      }
      throw fromNodeError(error, this.name);
    }
  }

  /** Lets go of the pool: closes what is open on it and unmounts it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#setDown(this.#unavailable('is being let go of, as the driver ends'));
    await this.#checking;
    const view = this.#view;
    this.#view = undefined;
    if (view !== undefined) await this.#drop(view);
  }

  async #waitForStart(): Promise<void> {
    this.start();
    await within(this.#started ?? Promise.resolve(), startLimitMs);
    if (this.#view === undefined && this.#down === undefined)
      throw this.#unavailable('is still being attached');
  }

  #unavailable(what: string, cause?: unknown): CsiError {
    return new CsiError(
      status.UNAVAILABLE,
      'pool-unavailable',
      `The pool ${this.name} ${what}; the call can be repeated once it is back.`,
      { cause },
    );
  }

  /** A pool is tried every second; its log says why it fails when that changes, and now and then. */
  #tellOnce(error: unknown): void {
    const what = error instanceof Error ? error.message : String(error);
    const now = performance.now();
    if (what === this.#told?.what && now - this.#told.at < tellEveryMs) return;
    this.#told = { what, at: now };
    this.#log.warn({ err: error }, 'pool cannot be reached');
  }

  /** From now on calls fail at once, until a probe in the background was answered. */
  #fail(what: string, error = this.#unavailable('does not answer')): void {
    if (this.#down !== undefined || this.#stopped) return;
    this.#log.warn({ what }, 'pool is down');
    this.#setDown(error);
    this.#schedule(0);
  }

  #setDown(error: CsiError): void {
    if (this.#down === undefined) {
      this.#downSince = performance.now();
      if (!this.#stopped) this.#failures += 1;
    }
    this.#down = error;
    this.#view?.gate.shut(error);
  }

  #setUp(view: View<S>): void {
    // Let go of while it was asked: nobody may begin anything on it any more.
    if (this.#stopped) return;
    this.#everUp = true;
    this.#told = undefined;
    this.#down = undefined;
    this.#stale = false;
    this.#probe = undefined;
    // A question that was asked before the server was back tells nothing of how fast it is now.
    this.#lastProbeMs = undefined;
    view.gate.open();
    this.#log.info('pool is up');
    for (const listener of this.#onUp) listener();
  }

  #schedule(afterMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), afterMs);
    this.#timer.unref();
  }

  /** One look at the pool; never two at once. Always plans the next one. */
  #check(): Promise<void> {
    this.#checking ??= this.#look()
      .catch((error: unknown) => {
        if (this.#stopped) return;
        this.#tellOnce(error);
        this.#setDown(error instanceof CsiError ? error : this.#unavailable('cannot be attached', error));
      })
      .finally(() => {
        this.#checking = undefined;
        // What is free on a pool that is up again is not known before its first probe.
        const wait = this.#lastProbeMs === undefined ? 0 : this.#probeEveryMs;
        this.#schedule(this.#down === undefined ? wait : retryEveryMs);
      });
    return this.#checking;
  }

  async #look(): Promise<void> {
    const view = this.#view;
    // A stale view may answer all the same: its root can be a valid handle of what the server has now.
    if (view !== undefined && !this.#stale) {
      this.#probe ??= this.#ask(view);
      const answered = await within(this.#probe, callLimitMs);
      if (answered === 'well') {
        // Calls given up earlier may still change the tree: only when the last is back is a retry alone on it.
        if (this.#down !== undefined && view.gate.held === 0) this.#setUp(view);
        return;
      }
      if (answered === 'gone')
        this.#fail('its directory is gone or another one', this.#unavailable('was taken away'));
      else this.#fail(answered === 'failed' ? 'a probe failed' : 'a probe has not returned');
      if (!this.#stale && performance.now() - this.#downSince < reattachAfterMs) return;
    }
    if (view !== undefined) {
      // First the old view, by force if need be: what still waits on it fails and cannot change the tree any more,
      // and as long as it is there an NFS client that meets the same server at a new address waits for the old one.
      this.#view = undefined;
      await this.#drop(view);
    }
    this.#view = await this.#attach();
    this.#setUp(this.#view);
  }

  /** Asks the server itself (statfs is never answered from a cache), beside the gate. One question at a time. */
  async #ask(view: View<S>): Promise<Answer> {
    const startedAt = performance.now();
    const usage = await askUsage(view.tree.root.at('.'));
    const took = performance.now() - startedAt;
    const gone = !(usage instanceof Error) && !(await isCurrent(this.#backend, this.#use, view, this.#log));
    if (this.#view !== view) return 'failed';
    this.#probe = undefined;
    this.#stale ||= gone || isErrno(usage, 'ESTALE', 'EBADF');
    if (usage instanceof Error) return 'failed';
    this.#lastProbeMs = took;
    this.#usage = usage;
    return gone ? 'gone' : 'well';
  }

  async #attach(): Promise<View<S>> {
    try {
      return await attachView(this.#backend, this.#use, {
        make: this.#use.mayMake && !this.#everUp,
        callLimitMs,
        onStuck: (ageMs, gate) => {
          gate.shut(this.#unavailable('does not answer'));
          this.#fail(`a call has not returned for ${Math.round(ageMs / 1000)} s`);
        },
      });
    } catch (error) {
      throw fromNodeError(error, this.name);
    }
  }

  async #drop(view: View<S>): Promise<void> {
    view.gate.shut(this.#unavailable('was attached anew'));
    await dropView(this.#backend, view);
  }
}
