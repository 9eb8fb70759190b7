import type { Logger } from 'pino';
import { clearSocket } from '../server/socket.ts';
import { endpointDoubt, requireRegistrationDir } from './registration-dir.ts';
import { RegistrationServer } from './registration-server.ts';

/** What kubelet has said of the driver; for a health page or a metric. */
export interface RegistrationState {
  /** `waiting`: it has said nothing since the socket was last made. */
  readonly state: 'waiting' | 'registered' | 'refused';
  /** Why it is refused, in kubelet's or our words; else empty. */
  readonly reason: string;
}

export interface RegistrationOptions {
  /** The registration socket. */
  readonly socket: string;
  readonly driverName: string;
  /** Path of the CSI socket, the same for kubelet. */
  readonly endpoint: string;
  readonly log: Logger;
  /** Milliseconds; tests shorten them. */
  readonly lookEveryMs?: number;
  readonly firstRetryMs?: number;
  readonly lastRetryMs?: number;
  readonly silenceMs?: number;
}

const defaults = { lookEveryMs: 10_000, firstRetryMs: 1_000, lastRetryMs: 60_000, silenceMs: 60_000 };

/**
 * Registers the driver with kubelet, in place of the sidecar node-driver-registrar: a socket in kubelet's registration
 * folder, which kubelet finds and asks who is there. A kubelet that starts anew finds it again by itself.
 *
 * A refusal does not end the program, as it does the sidecar: pods use this one. Kubelets older than 1.36 ask again
 * only when the socket is made anew, so that is done, later and later.
 */
export class KubeletRegistration {
  readonly #options: Required<RegistrationOptions>;
  readonly #log: Logger;
  #server: RegistrationServer | undefined;
  #state: RegistrationState = { state: 'waiting', reason: '' };
  #watch: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number;
  /** Making the socket; never two at once. */
  #making: Promise<void> | undefined;
  #stopped = false;

  constructor(options: RegistrationOptions) {
    this.#options = { ...defaults, ...options };
    this.#log = options.log;
    this.#retryMs = this.#options.firstRetryMs;
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** Offers the driver to kubelet. The CSI socket has to be served already. Throws UsageError where that cannot be. */
  async start(): Promise<void> {
    const { socket, endpoint, lookEveryMs, silenceMs } = this.#options;
    await this.#offer();
    this.#log.info({ socket, endpoint }, 'offered to kubelet');
    const doubt = endpointDoubt(socket, endpoint);
    if (doubt !== undefined) this.#log.warn({ socket, endpoint }, doubt);
    this.#watch = setInterval(() => void this.#look(), lookEveryMs).unref();
    this.#silence = setTimeout(() => this.#tellOfSilence(), silenceMs).unref();
  }

  /** Takes the socket away, by which kubelet knows that the driver goes. Throws nothing: the drain has to go on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#watch);
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    await this.#making?.catch(() => {});
    // Closing removes what is at the path: never another driver's socket. What is left open ends with the process.
    const found = this.#server?.look();
    if (found === 'ours' || found === 'nothing') this.#server?.close();
    this.#state = { state: 'waiting', reason: '' };
  }

  async #offer(): Promise<void> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    await this.#making;
  }

  async #make(): Promise<void> {
    const { socket, driverName, endpoint } = this.#options;
    requireRegistrationDir(socket);
    // As in stop: first make sure that it is not another driver's.
    if (!this.#isOurs()) await clearSocket(socket, '--registration-dir');
    this.#server?.close();
    const server = new RegistrationServer({
      info: {
        type: 'CSIPlugin',
        name: driverName,
        endpoint,
        // As the sidecar says: the major version is what kubelet looks at, and a driver of the same name with a higher
        // one would stand in the way of a downgrade.
        supported_versions: ['1.0.0'],
      },
      onAsked: () => clearTimeout(this.#silence),
      onStatus: (registered, error) => this.#heard(registered, error),
    });
    await server.listen(socket);
    this.#server = server;
  }

  #heard(registered: boolean, error: string): void {
    if (this.#stopped) return;
    clearTimeout(this.#retry);
    if (registered) {
      this.#state = { state: 'registered', reason: '' };
      this.#retryMs = this.#options.firstRetryMs;
      this.#log.info('registered with kubelet');
      return;
    }
    this.#state = { state: 'refused', reason: error };
    this.#log.error(
      { reason: error, endpoint: this.#options.endpoint },
      `kubelet did not register the driver (${error === '' ? 'it gave no reason' : error}); it is offered again in ${this.#retryMs / 1000} s. Where kubelet could not reach the CSI socket, mount it at the same path as on the host`,
    );
    this.#retry = setTimeout(() => void this.#offerAgain(), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, this.#options.lastRetryMs);
  }

  async #offerAgain(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#offer();
      this.#state = { state: 'waiting', reason: '' };
    } catch (error) {
      this.#tellRefused(error);
    }
  }

  /** Somebody may have removed the socket, or the whole folder; kubelet then has forgotten the driver. */
  async #look(): Promise<void> {
    if (this.#stopped || this.#making !== undefined || this.#isOurs()) return;
    // Once: what keeps it from being made anew is told then.
    if (this.#state.state !== 'refused') {
      this.#log.warn(
        { socket: this.#options.socket },
        'the registration socket was taken away; it is made anew',
      );
      this.#state = { state: 'waiting', reason: '' };
    }
    await this.#offerAgain();
  }

  #isOurs(): boolean {
    return this.#server?.look() === 'ours';
  }

  #tellRefused(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#state.reason !== reason)
      this.#log.error({ err: error }, 'the driver cannot be offered to kubelet');
    this.#state = { state: 'refused', reason };
  }

  #tellOfSilence(): void {
    this.#log.warn(
      { socket: this.#options.socket },
      "kubelet has not asked for the driver yet; check that --registration-dir is this node's folder plugins_registry, mounted from the host. A kubelet older than 1.29 cannot ask Berth itself and needs the sidecar node-driver-registrar",
    );
  }
}
