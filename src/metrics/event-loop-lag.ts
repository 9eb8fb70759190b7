/** Seen from outside, an event loop that lags is a driver that answers late. Milliseconds. */
const tickMs = 1_000;
const windowMs = 60_000;

/** How late timers were, at worst, within the last one to two minutes. Wakes the process once a second. */
export class EventLoopLag {
  readonly #timer: NodeJS.Timeout;
  #expected = performance.now() + tickMs;
  #windowEnd = performance.now() + windowMs;
  #worst = 0;
  #worstBefore = 0;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  get seconds(): number {
    return Math.max(this.#worst, this.#worstBefore) / 1000;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#worst = Math.max(this.#worst, now - this.#expected);
    this.#expected = now + tickMs;
    if (now < this.#windowEnd) return;
    this.#worstBefore = this.#worst;
    this.#worst = 0;
    this.#windowEnd = now + windowMs;
  }
}
