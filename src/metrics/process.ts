import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventLoopLag } from './event-loop-lag.ts';

export interface Build {
  readonly version: string;
  /** `controller`, `node` or `all`. */
  readonly mode: string;
}

/** The process itself. The names without a prefix are those that every Prometheus client library uses. */
export function processMetrics(registry: Registry, { version, mode }: Build, lag: EventLoopLag): void {
  const registers = [registry];
  new Gauge({
    name: 'berth_build_info',
    help: 'Always 1; the labels tell the version of Berth, its role, and the version of Node.',
    labelNames: ['version', 'mode', 'node_version'],
    registers,
  }).set({ version, mode, node_version: process.versions.node }, 1);
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the process, in seconds since 1970.',
    registers,
  }).set(Date.now() / 1000 - process.uptime());
  const cpu: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process, in user and kernel.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  const memory: Gauge = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers,
    collect: () => memory.set(process.memoryUsage.rss()),
  });
  const late: Gauge = new Gauge({
    name: 'berth_event_loop_lag_seconds',
    help: 'How late timers were at worst within the last one to two minutes.',
    registers,
    collect: () => late.set(lag.seconds),
  });
}
