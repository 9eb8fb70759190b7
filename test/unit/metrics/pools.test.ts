import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { mountsMetric } from '../../../src/metrics/mounts.ts';
import { poolMetrics } from '../../../src/metrics/pools.ts';
import { observed } from '../../../src/pools/mount-observer.ts';
import type { PoolReport } from '../../../src/volumes/pool-report.ts';

/** The samples in Prometheus' text, without comments. */
async function samples(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const measures = { inFlight: 2, held: 1, failures: 3, probeSeconds: 0.25 } as const;
const big = 2n ** 60n;
const usage = { totalBytes: big, availableBytes: 5n, totalInodes: 7n, freeInodes: 6n };

test('what is not known of a pool is left out, and comes back when it is known', async () => {
  const registry = new Registry();
  let reports: PoolReport[] = [
    { name: 'nas', health: { state: 'up', reason: '' }, reached: true, measures: { ...measures, usage } },
  ];
  poolMetrics(registry, () => reports);
  const before = await samples(registry);
  assert.ok(before.includes('berth_pool_up{pool="nas"} 1'));
  assert.ok(before.includes('berth_pool_breaker_open{pool="nas"} 0'));
  assert.ok(before.includes(`berth_pool_capacity_bytes{pool="nas"} ${Number(big)}`));
  assert.ok(before.includes('berth_pool_failures_total{pool="nas"} 3'));
  assert.ok(!before.some((line) => line.startsWith('berth_node_announced')), 'a controller is no node');
  reports = [
    {
      name: 'nas',
      health: { state: 'down', reason: 'Why.' },
      reached: true,
      measures: { ...measures, probeSeconds: undefined, usage: undefined },
    },
  ];
  const down = await samples(registry);
  assert.ok(down.includes('berth_pool_up{pool="nas"} 0'));
  assert.ok(down.includes('berth_pool_breaker_open{pool="nas"} 1'));
  assert.ok(
    down.includes('berth_pool_failures_total{pool="nas"} 3'),
    'counters do not add up at each scrape',
  );
  assert.ok(!down.some((line) => /^berth_pool_(capacity|available|inodes|probe)/.test(line)));
});

test('mounts are counted by pool, operation and result; an unmount of nothing is none', async () => {
  const registry = new Registry();
  const observe = mountsMetric(registry);
  const unmount = { operation: 'unmount', pool: undefined } as const;
  await observed(observe, { operation: 'mount', pool: 'nas' }, async () => {});
  await assert.rejects(
    observed(observe, unmount, () => Promise.reject(new Error('busy'))),
    /busy/,
  );
  assert.equal(await observed(observe, unmount, async () => false), false);
  const counts = (await samples(registry)).filter((line) => line.includes('_count'));
  assert.deepEqual(counts, [
    'berth_pool_mount_seconds_count{pool="nas",operation="mount",result="ok"} 1',
    'berth_volume_mount_seconds_count{operation="unmount",result="error"} 1',
  ]);
});
