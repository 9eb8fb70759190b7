/** What is to be worked on once it has lain for some time. */
export class Ripening<T> {
  readonly #ms: number;
  readonly #clock: () => number;
  #items: { readonly item: T; readonly at: number }[] = [];

  /** `clock` gives milliseconds that never go back. */
  constructor(ms: number, clock: () => number = () => performance.now()) {
    this.#ms = ms;
    this.#clock = clock;
  }

  /** How many lie here. */
  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    this.#items.push({ item, at: this.#clock() });
  }

  /** Gives those whose time is over; they are not here any more. */
  takeRipe(): T[] {
    // Asked once: what ripens between two looks would be in neither part.
    const now = this.#clock();
    const isRipe = ({ at }: { readonly at: number }) => now - at >= this.#ms;
    const ripe = this.#items.filter(isRipe);
    this.#items = this.#items.filter((each) => !isRipe(each));
    return ripe.map(({ item }) => item);
  }
}
