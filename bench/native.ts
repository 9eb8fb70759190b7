// Memory and start on this machine, not emulated.
import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
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

type Call = () => Promise<unknown>;

/** What kubelet and a liveness probe ask again and again. */
const cheapCalls = (client: CsiClient): Call[] => [
  () => client.Node.NodeGetCapabilities({}),
  () => client.Node.NodeGetInfo({}),
  () => client.Identity.Probe({}),
];

/** Of so many of the calls one asks for the use of a volume, which kubelet does each minute for each. */
const statsEvery = 20;

/** And once in so many, what kubelet and Prometheus ask over HTTP every few seconds. */
const scrapeEvery = 500;

/** A volume of a local pool, published to a pod; csi-driver-nfs has none without a server. */
async function publishLocally(client: CsiClient, pool: string): Promise<{ stats: Call; end: Call }> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-bench-kubelet-'));
  const [staging, target] = [join(directory, 'staging'), join(directory, 'pod', 'mount')];
  await Promise.all([staging, join(directory, 'pod'), join(pool, 'bench')].map((path) => mkdir(path)));
  const volume = {
    volume_id: 'scratch/bench',
    staging_target_path: staging,
    volume_capability: { mount: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } },
    volume_context: { pool: 'scratch', subDir: 'bench' },
  } as const;
  await client.Node.NodeStageVolume(volume);
  await client.Node.NodePublishVolume({ ...volume, target_path: target });
  return {
    stats: () => client.Node.NodeGetVolumeStats({ volume_id: volume.volume_id, volume_path: target }),
    end: async () => {
      await client.Node.NodeUnpublishVolume({ volume_id: volume.volume_id, target_path: target });
      await client.Node.NodeUnstageVolume({ volume_id: volume.volume_id, staging_target_path: staging });
      await rm(directory, { recursive: true });
      await rmdir(join(pool, 'bench'));
    },
  };
}

export async function measureNatively(peer: string | undefined): Promise<{ berth: Samples; peer: Samples }> {
  const figures = { berth: {}, peer: {} };
  const pool = await mkdtemp(join(tmpdir(), 'berth-bench-pool-'));
  try {
    await measure(figures.berth, () => launchBerth('node', { scratch: { local: { path: pool } } }), pool);
    if (peer !== undefined) await measure(figures.peer, () => launchPeer(peer));
  } finally {
    await rm(pool, { recursive: true, force: true });
  }
  return figures;
}

async function measure(samples: Samples, launch: () => Promise<Launched>, pool?: string): Promise<void> {
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
    const cheap = (index: number): Promise<unknown> => mix[index % mix.length]?.() ?? Promise.resolve();
    const published = pool === undefined ? undefined : await publishLocally(driver.client, pool);
    const stats = published?.stats;
    add(
      samples,
      'native calls',
      await rate(8, calls, async (index) => {
        if (index % scrapeEvery === 0) await driver.scrape();
        return stats !== undefined && index % statsEvery === 0 ? stats() : cheap(index);
      }),
    );
    await published?.end();
    add(samples, 'native busy', residentMegabytes(driver.pid));
  } finally {
    await driver.end();
  }
}
