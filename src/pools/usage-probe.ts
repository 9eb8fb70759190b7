import { type FilesystemUsage, statfs, troubleOf } from '../host/statfs.ts';

/** A dead server is asked again only this often; in between the last answer counts. Milliseconds. */
const silenceMs = 10_000;
const timeoutMs = 5_000;

/**
 * Asks file systems for their use, in child processes with a deadline. One question at a time for each path, and
 * a file system that did not answer gets no further ones for a while: kubelet asks for every volume every minute.
 */
export class UsageProbe {
  readonly #inFlight = new Map<string, Promise<FilesystemUsage>>();
  /** By device: when it may be asked again, and what is answered until then. */
  readonly #silent = new Map<string, { until: number; error: unknown }>();

  /** Throws what `statfs` throws. */
  ask(path: string, device: string): Promise<FilesystemUsage> {
    const running = this.#inFlight.get(path);
    if (running !== undefined) return running;
    const silent = this.#silent.get(device);
    if (silent !== undefined) {
      if (performance.now() < silent.until) return Promise.reject(silent.error);
      // This caller finds out for all.
      silent.until = performance.now() + silenceMs;
    }
    const asking = this.#ask(path, device).finally(() => this.#inFlight.delete(path));
    this.#inFlight.set(path, asking);
    return asking;
  }

  async #ask(path: string, device: string): Promise<FilesystemUsage> {
    try {
      const usage = await statfs(path, { timeoutMs });
      this.#silent.delete(device);
      return usage;
    } catch (error) {
      if (troubleOf(error) === 'silent') {
        this.#silent.set(device, { until: performance.now() + silenceMs, error });
      } else {
        this.#silent.delete(device);
      }
      throw error;
    }
  }
}
