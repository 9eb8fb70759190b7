import { Registry } from 'prom-client';
import type { MountObserver } from '../pools/mount-observer.ts';
import type { RegistrationState } from '../registration/kubelet-registration.ts';
import type { CallObserver } from '../server/call-metrics.ts';
import type { PoolReport } from '../volumes/pool-report.ts';
import { callsInFlightMetric, callsMetric } from './calls.ts';
import { EventLoopLag } from './event-loop-lag.ts';
import { mountsMetric } from './mounts.ts';
import { poolMetrics } from './pools.ts';
import { type Build, processMetrics } from './process.ts';
import { registrationMetric } from './registration.ts';

/** Where what is measured comes from; each is asked at a scrape and answers out of what it knows. */
export interface MetricsSources {
  readonly reports: () => readonly PoolReport[];
  readonly callsInFlight: () => number;
  readonly registration: () => RegistrationState | undefined;
}

/** All metrics of one driver (docs/metrics.md). */
export class Metrics {
  readonly observeCall: CallObserver;
  readonly observeMount: MountObserver;
  readonly #registry = new Registry();
  readonly #lag = new EventLoopLag();

  constructor(build: Build & { readonly driverName: string }, sources: MetricsSources) {
    this.observeCall = callsMetric(this.#registry, build.driverName);
    callsInFlightMetric(this.#registry, sources.callsInFlight);
    this.observeMount = mountsMetric(this.#registry);
    poolMetrics(this.#registry, sources.reports);
    registrationMetric(this.#registry, sources.registration);
    processMetrics(this.#registry, build, this.#lag);
  }

  /** In Prometheus' text format. */
  async scrape(): Promise<{ type: string; body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  stop(): void {
    this.#lag.stop();
  }
}
