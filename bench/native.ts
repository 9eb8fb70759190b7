// Memory and start on this machine, not emulated.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CsiClient } from '../test/csi/client.ts';
import { add, type Samples } from './figures.ts';
import { type Launched, launchBerth, launchPeer, residentMegabytes } from './launch.ts';
import { rate } from './statistics.ts';

const starts = 7;
const calls = 20_000;
/** Garbage of the start is collected and pages are given back before memory is read. */
const settling = 2_000;

/** What kubelet and a liveness probe ask again and again. */
const cheapCalls = (client: CsiClient): (() => Promise<unknown>)[] => [
  () => client.Node.NodeGetCapabilities({}),
  () => client.Node.NodeGetInfo({}),
  () => client.Identity.Probe({}),
];

export async function measureNatively(peer: string | undefined): Promise<{ berth: Samples; peer: Samples }> {
  const figures = { berth: {}, peer: {} };
  const pool = await mkdtemp(join(tmpdir(), 'berth-bench-pool-'));
  try {
    await measure(figures.berth, () => launchBerth('node', { scratch: { local: { path: pool } } }));
    if (peer !== undefined) await measure(figures.peer, () => launchPeer(peer));
  } finally {
    await rm(pool, { recursive: true, force: true });
  }
  return figures;
}

async function measure(samples: Samples, launch: () => Promise<Launched>): Promise<void> {
  for (let round = 0; round < starts; round += 1) {
    const driver = await launch();
    add(samples, 'native first Probe', driver.millisecondsToProbe);
    await driver.end();
  }
  const driver = await launch();
  try {
    await delay(settling);
    add(samples, 'native idle', residentMegabytes(driver.pid));
    const mix = cheapCalls(driver.client);
    add(
      samples,
      'native calls',
      await rate(8, calls, (index) => mix[index % mix.length]?.() ?? Promise.resolve()),
    );
    add(samples, 'native busy', residentMegabytes(driver.pid));
  } finally {
    await driver.end();
  }
}
