/** Lets so many go on at once; others wait, the first first. */
export class Turns {
  readonly #patienceMs: number | undefined;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** `patienceMs`: who has had a turn for so long goes on, and somebody else may begin. */
  constructor(atOnce: number, patienceMs?: number) {
    this.#free = atOnce;
    this.#patienceMs = patienceMs;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isMine = true;
    const passOn = () => {
      if (isMine) this.#passOn();
      isMine = false;
    };
    const passing = this.#patienceMs === undefined ? undefined : setTimeout(passOn, this.#patienceMs);
    try {
      return await work();
    } finally {
      clearTimeout(passing);
      passOn();
    }
  }

  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
