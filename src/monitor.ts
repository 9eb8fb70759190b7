import type { IncomingMessage } from 'node:http';
import { type Phase, readiness, readinessJson, readinessText } from './http/readiness.ts';
import { type Answer, HttpServer, plain } from './http/server.ts';
import { Metrics } from './metrics/metrics.ts';
import type { RegistrationState } from './registration/kubelet-registration.ts';
import { probeSocket } from './server/probe-socket.ts';
import type { Settings } from './settings.ts';
import type { PoolReport } from './volumes/pool-report.ts';

/** What the monitor tells of; asked at each request. */
interface Watched {
  reports(): readonly PoolReport[];
  callsInFlight(): number;
  /** A sentence where the driver cannot be reached by its socket's path any more. */
  socketProblem(): string | undefined;
  /** Undefined where somebody else registers the driver, or nobody has to. */
  registration(): RegistrationState | undefined;
}

/** For its own socket to answer. Below what a livenessProbe should allow. Milliseconds. */
const probeLimitMs = 8_000;

/** Health and metrics over HTTP: /healthz, /readyz and /metrics. */
export class Monitor {
  readonly metrics: Metrics;
  readonly #http: HttpServer;
  readonly #socket: string;
  #phase: Phase = 'starting';
  #watched: Watched = {
    reports: () => [],
    callsInFlight: () => 0,
    socketProblem: () => undefined,
    registration: () => undefined,
  };
  /** However many ask, the socket is asked once at a time. */
  #probe: Promise<string | undefined> | undefined;

  constructor({ mode, driverName, socket }: Settings, version: string) {
    this.#socket = socket;
    this.metrics = new Metrics(
      { version, mode, driverName },
      {
        reports: () => this.#watched.reports(),
        callsInFlight: () => this.#watched.callsInFlight(),
        registration: () => this.#watched.registration(),
      },
    );
    this.#http = new HttpServer({
      '/healthz': () => this.#alive(),
      '/readyz': (request) => this.#ready(wantsJson(request)),
      '/metrics': async () => ({ status: 200, ...(await this.metrics.scrape()) }),
    });
  }

  /** Starts to answer and gives the address. Throws UsageError where it is in use. */
  listen(address: NonNullable<Settings['http']>): Promise<string> {
    return this.#http.listen(address);
  }

  /** The driver's socket is served. */
  serving(watched: Watched): void {
    this.#watched = watched;
    this.#phase = 'serving';
  }

  draining(): void {
    this.#phase = 'draining';
  }

  close(): void {
    this.metrics.stop();
    this.#http.close();
  }

  /** Whether a restart would help: never because of a pool. A driver that drains has closed its socket on purpose. */
  async #alive(): Promise<Answer> {
    if (this.#phase === 'starting') return plain(503, 'The driver is starting.');
    if (this.#phase === 'draining') return plain(200, 'ok: the driver is ending');
    // First: who answers there may be another driver.
    const lost = this.#watched.socketProblem();
    if (lost !== undefined) return plain(503, lost);
    this.#probe ??= probeSocket(this.#socket, probeLimitMs).finally(() => {
      this.#probe = undefined;
    });
    const problem = await this.#probe;
    return problem === undefined ? plain(200, 'ok') : plain(503, problem);
  }

  async #ready(asJson: boolean): Promise<Answer> {
    const pools = this.#watched.reports();
    const verdict = readiness(this.#phase, pools, this.#watched.registration());
    const status = verdict.ready ? 200 : 503;
    return asJson
      ? { status, type: 'application/json', body: `${readinessJson(verdict, pools)}\n` }
      : plain(status, readinessText(verdict, pools));
  }
}

function wantsJson({ url = '', headers }: IncomingMessage): boolean {
  return /[?&]format=json(&|$)/.test(url) || /\bapplication\/json\b/.test(headers.accept ?? '');
}
