import { status } from '@grpc/grpc-js';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { CallObserver } from '../server/call-metrics.ts';

/** Those that csi-lib-utils has for calls, and finer ones, since most calls end within milliseconds. */
const buckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600,
];

/** The calls of the CSI services, under the name and labels that csi-lib-utils has for those of a plugin. */
export function callsMetric(registry: Registry, driverName: string): CallObserver {
  const calls = new Histogram({
    name: 'csi_plugin_operations_seconds',
    help: 'Duration of the CSI calls that were served, refused ones included, by method and gRPC status.',
    labelNames: ['driver_name', 'method_name', 'grpc_status_code'],
    buckets,
    registers: [registry],
  });
  return (path, code, seconds) =>
    calls.observe(
      { driver_name: driverName, method_name: path, grpc_status_code: statusName(code) },
      seconds,
    );
}

export function callsInFlightMetric(registry: Registry, inFlight: () => number): void {
  const gauge: Gauge = new Gauge({
    name: 'berth_calls_in_flight',
    help: 'CSI calls that are being worked on, also those whose caller no longer waits.',
    registers: [registry],
    collect: () => gauge.set(inFlight()),
  });
}

/** As gRPC for Go prints a code: `OK`, `DeadlineExceeded`. */
export function statusName(code: status): string {
  if (code === status.OK) return 'OK';
  if (code === status.CANCELLED) return 'Canceled';
  return status[code]
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');
}
