import { within } from '../within.ts';
import type { Interceptor } from './call.ts';

/** Calls that only look: background work need not wait for them. */
const light = /^(Probe|Get|NodeGet|ControllerGetCap|GroupControllerGetCap)/;

/** Counts what is being worked on, also for callers that no longer wait. */
export class Activity {
  #running = 0;
  #heavy = 0;
  #idle: (() => void)[] = [];

  /** Whether calls are being served that background work should give way to. */
  get busy(): boolean {
    return this.#heavy > 0;
  }

  /** Calls that are being worked on. */
  get running(): number {
    return this.#running;
  }

  readonly interceptor: Interceptor = async (call, next) => {
    const heavy = light.test(call.method) ? 0 : 1;
    this.#running += 1;
    this.#heavy += heavy;
    try {
      return await next();
    } finally {
      this.#running -= 1;
      this.#heavy -= heavy;
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  };

  /** Resolves with true when nothing is being worked on, with false after `limitMs`. */
  async drained(limitMs: number): Promise<boolean> {
    if (this.#running === 0) return true;
    const idle = new Promise<true>((resolve) => {
      this.#idle.push(() => resolve(true));
    });
    return (await within(idle, limitMs)) ?? false;
  }
}
