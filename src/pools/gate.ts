/**
 * The bulkhead between a pool and the process: bounds how many file system calls of one pool are in flight,
 * and gives up on them when one does not return. A call on a dead share holds its thread of libuv's pool until
 * the kernel lets go; without the bound, one dead pool would take every thread and stop all the others.
 */

/** Starts one call of node:fs; it must call `done` exactly once, or throw before there is a call. */
export type Start<T> = (done: (error: Error | null, value?: T) => void) => void;

interface Pending {
  readonly startedAt: number;
  readonly giveUp: (error: Error) => void;
}

export interface GateOptions {
  /** Calls in flight at once; each may hold one thread. */
  readonly slots: number;
  /** A call that has not returned after this many milliseconds trips the gate. */
  readonly limitMs: number;
  /** Called once when a call is overdue, with its age in milliseconds. */
  readonly onStuck: (ageMs: number) => void;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #pending = new Set<Pending>();
  readonly #waiting: { start: () => void; giveUp: (error: Error) => void }[] = [];
  /** Threads still held by calls that were given up. */
  #held = 0;
  #shut: Error | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Calls that hold a thread now, given up or not. */
  get inFlight(): number {
    return this.#pending.size + this.#held;
  }

  /** Calls that were given up and still hold their thread. */
  get held(): number {
    return this.#held;
  }

  /** Fails every waiting and running call, and each new one, with this error until `open` is called. */
  shut(error: Error): void {
    this.#shut = error;
    for (const waiter of this.#waiting.splice(0)) waiter.giveUp(error);
    for (const pending of this.#pending) {
      this.#held += 1;
      pending.giveUp(error);
    }
    this.#pending.clear();
  }

  open(): void {
    this.#shut = undefined;
  }

  /** `dispose` gets what a call that was given up gives all the same, so that it can be let go of. */
  run<T>(start: Start<T>, dispose?: (value: T) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#shut !== undefined) {
        reject(this.#shut);
      } else if (this.inFlight < this.#options.slots) {
        this.#begin(start, resolve, reject, dispose);
      } else {
        this.#waiting.push({ start: () => this.#begin(start, resolve, reject, dispose), giveUp: reject });
      }
    });
  }

  #begin<T>(
    start: Start<T>,
    resolve: (value: T) => void,
    reject: (error: Error) => void,
    dispose?: (value: T) => void,
  ): void {
    const pending: Pending = { startedAt: performance.now(), giveUp: reject };
    this.#pending.add(pending);
    this.#watch();
    const done: Parameters<Start<T>>[0] = (error, value) => {
      if (!this.#pending.delete(pending)) {
        // Given up meanwhile: its caller was told so already, only the thread is free again.
        this.#held -= 1;
        if (error === null) dispose?.(value as T);
      } else if (error !== null) {
        reject(error);
      } else {
        resolve(value as T);
      }
      if (this.#shut === undefined) this.#waiting.shift()?.start();
    };
    try {
      start(done);
    } catch (error) {
      // node:fs refuses some arguments before there is a call, which would else count as one that never returns.
      done(error as Error);
    }
  }

  /** One timer for all calls, and only while there are any: a timer for each call would cost more than the call. */
  #watch(): void {
    if (this.#watchdog !== undefined) return;
    this.#watchdog = setInterval(() => {
      const [oldest] = this.#pending;
      if (oldest === undefined) {
        clearInterval(this.#watchdog);
        this.#watchdog = undefined;
        return;
      }
      const age = performance.now() - oldest.startedAt;
      if (age > this.#options.limitMs) this.#options.onStuck(age);
    }, 500);
    this.#watchdog.unref();
  }
}
