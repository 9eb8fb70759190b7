import { Counter, Gauge, type Registry } from 'prom-client';
import type { PoolReport } from '../volumes/pool-report.ts';

interface PoolMetric {
  readonly type: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  /** Undefined: not known now, or not known to this role; the pool is left out then. */
  readonly read: (report: PoolReport) => number | bigint | boolean | undefined;
}

/** What is told of each pool; all of it known already, so that a scrape never waits for a server. */
const metrics: readonly PoolMetric[] = [
  {
    type: 'gauge',
    name: 'berth_pool_up',
    help: 'Whether the pool answered when it was last asked.',
    read: ({ health }) => health.state === 'up' || health.state === 'slow',
  },
  {
    type: 'gauge',
    name: 'berth_pool_breaker_open',
    help: 'Whether calls on the pool are refused at once, since it is known to be down.',
    read: ({ health, measures }) => measures && health.state === 'down',
  },
  {
    type: 'counter',
    name: 'berth_pool_failures_total',
    help: 'How often the pool went down.',
    read: ({ measures }) => measures?.failures,
  },
  {
    type: 'gauge',
    name: 'berth_pool_operations_in_flight',
    help: 'File system calls under way on the pool.',
    read: ({ measures }) => measures?.inFlight,
  },
  {
    type: 'gauge',
    name: 'berth_pool_operations_held',
    help: 'File system calls that were given up, and that the kernel has not let go of.',
    read: ({ measures }) => measures?.held,
  },
  {
    type: 'gauge',
    name: 'berth_pool_probe_seconds',
    help: 'How long the pool took to answer the last probe (statfs).',
    read: ({ measures }) => measures?.probeSeconds,
  },
  {
    type: 'gauge',
    name: 'berth_pool_capacity_bytes',
    help: "Size of the pool's file system.",
    read: ({ measures }) => measures?.usage?.totalBytes,
  },
  {
    type: 'gauge',
    name: 'berth_pool_available_bytes',
    help: "What is free on the pool's file system for users without privilege.",
    read: ({ measures }) => measures?.usage?.availableBytes,
  },
  {
    type: 'gauge',
    name: 'berth_pool_inodes',
    help: "Inodes of the pool's file system; 0 where it has no limit of them.",
    read: ({ measures }) => measures?.usage?.totalInodes,
  },
  {
    type: 'gauge',
    name: 'berth_pool_inodes_free',
    help: "Inodes that are free on the pool's file system.",
    read: ({ measures }) => measures?.usage?.freeInodes,
  },
  {
    type: 'gauge',
    name: 'berth_pool_volumes',
    help: 'Dynamic volumes of the pool.',
    read: ({ counts }) => counts?.volumes,
  },
  {
    type: 'gauge',
    name: 'berth_pool_attached_volumes',
    help: 'Volumes of the pool that are attached to a node or several, static ones included.',
    read: ({ counts }) => counts?.attachedVolumes,
  },
  {
    type: 'gauge',
    name: 'berth_pool_nodes',
    help: 'Nodes that have announced themselves on the pool.',
    read: ({ counts }) => counts?.nodes,
  },
  {
    type: 'gauge',
    name: 'berth_node_announced',
    help: 'Whether this node has announced itself on the pool, so that its volumes can be attached here.',
    read: ({ announced }) => announced,
  },
  {
    type: 'counter',
    name: 'berth_images_replaced_total',
    help: 'Images that another file took the place of, since a node that was taken them by force may write to them still.',
    read: ({ imagesReplaced }) => imagesReplaced,
  },
  {
    type: 'gauge',
    name: 'berth_copies_running',
    help: 'Copies for snapshots and volumes that this process makes, or that wait for their turn.',
    read: ({ copies }) => copies?.running,
  },
  {
    type: 'counter',
    name: 'berth_copies_total',
    help: 'Copies that were completed.',
    read: ({ copies }) => copies?.done,
  },
  {
    type: 'counter',
    name: 'berth_copy_failures_total',
    help: 'Copies that failed, or were cancelled.',
    read: ({ copies }) => copies?.failed,
  },
  {
    type: 'counter',
    name: 'berth_copied_bytes_total',
    help: 'Bytes of files that were copied, shared blocks included.',
    read: ({ copies }) => copies?.bytes,
  },
  {
    type: 'counter',
    name: 'berth_files_cloned_total',
    help: 'Files that were copied by sharing their blocks.',
    read: ({ copies }) => copies?.files.cloned,
  },
  {
    type: 'counter',
    name: 'berth_files_copied_on_server_total',
    help: 'Files that were copied by the server, or within the kernel.',
    read: ({ copies }) => copies?.files.server,
  },
  {
    type: 'counter',
    name: 'berth_files_copied_by_host_total',
    help: 'Files that this process has read and written.',
    read: ({ copies }) => copies?.files.host,
  },
  {
    type: 'gauge',
    name: 'berth_trash_entries',
    help: 'Deleted volumes whose bytes are still to be removed.',
    read: ({ trash }) => trash?.waiting,
  },
  {
    type: 'gauge',
    name: 'berth_trash_stuck_entries',
    help: 'Deleted volumes whose bytes could not be removed when that was last tried.',
    read: ({ trash }) => trash?.stuck,
  },
  {
    type: 'counter',
    name: 'berth_trash_removed_total',
    help: 'Deleted volumes whose bytes were removed.',
    read: ({ trash }) => trash?.removed,
  },
  {
    type: 'counter',
    name: 'berth_trash_removal_failures_total',
    help: 'Failed attempts to remove the bytes of a deleted volume.',
    read: ({ trash }) => trash?.failures,
  },
  {
    type: 'gauge',
    name: 'berth_deletions_unended',
    help: 'Deletions that were cut off and could not be ended when that was last tried.',
    read: ({ trash }) => trash?.unended,
  },
];

export function poolMetrics(registry: Registry, reports: () => readonly PoolReport[]): void {
  for (const { type, name, help, read } of metrics) {
    const options = { name, help, labelNames: ['pool'], registers: [registry] };
    const known = (): { pool: string; value: number }[] =>
      reports().flatMap((report) => {
        const value = read(report);
        return value === undefined ? [] : [{ pool: report.name, value: Number(value) }];
      });
    if (type === 'gauge') {
      const gauge: Gauge = new Gauge({
        ...options,
        collect() {
          gauge.reset();
          for (const { pool, value } of known()) gauge.set({ pool }, value);
        },
      });
    } else {
      const counter: Counter = new Counter({
        ...options,
        collect() {
          counter.reset();
          for (const { pool, value } of known()) counter.inc({ pool }, value);
        },
      });
    }
  }
}
