/** Ends what has not gone on for some time. */
export class Watchdog {
  readonly #ms: number;
  readonly #end: () => void;
  #timer: NodeJS.Timeout | undefined;
  #left: number;
  #since = 0;
  #last = '';
  bit = false;

  /** `ms`: how long nothing new may be heard, in milliseconds. */
  constructor(ms: number, end: () => void) {
    this.#ms = ms;
    this.#left = ms;
    this.#end = end;
    this.resume();
  }

  /** The same again is no news. */
  heard(news: string): void {
    if (news === this.#last) return;
    this.#last = news;
    this.pause();
    this.#left = this.#ms;
    this.resume();
  }

  /** The time stands still: it is not the one who is watched that takes it. */
  pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left -= performance.now() - this.#since;
  }

  resume(): void {
    this.#since = performance.now();
    this.#timer = setTimeout(() => {
      this.bit = true;
      this.#end();
    }, this.#left);
  }
}
