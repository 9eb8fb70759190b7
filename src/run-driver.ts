import { type Logger, pino } from 'pino';
import { loadConfig } from './config/load.ts';
import type { PoolConfig } from './config/schema.ts';
import { controllerService } from './controller/service.ts';
import { identityService } from './identity/service.ts';
import { createNodeService } from './node/service.ts';
import { slotsPerPool } from './pools/view.ts';
import { KubeletRegistration } from './registration/kubelet-registration.ts';
import { CsiServer } from './server/server.ts';
import type { Settings } from './settings.ts';
import { keepAnnounced } from './volumes/announce.ts';
import { KeyedMutex } from './volumes/keyed-mutex.ts';
import { Stores } from './volumes/stores.ts';

/** Serves until SIGTERM or SIGINT, then drains. Throws UsageError where config or socket are wrong. */
export async function runDriver(settings: Settings, version: string): Promise<void> {
  const ending = endSignal();
  const pools = loadConfig(settings.configFile);
  sizeThreadPool(pools.size);
  const log = pino({ level: settings.logLevel, base: { berth: settings.mode } });
  const server = new CsiServer(log);
  server.add('Identity', identityService({ driverName: settings.driverName, version }));
  const stores = settings.mode === 'node' ? undefined : addController(server, settings, pools, log);
  if (settings.mode !== 'controller') addNode(server, settings, pools, log);
  await server.listen(settings.socket);
  const registration = await register(settings, server, log);
  // From here on modes are what mkdir is given: a volume's directory needs no second round trip to set it.
  process.umask(0);
  stores?.start();
  const stopAnnouncing =
    stores === undefined
      ? keepAnnounced({ node: ownNode(settings), pools, stateDir: settings.stateDir, log })
      : undefined;
  log.info({ socket: settings.socket, version }, 'serving');
  const signal = await ending;
  log.info({ signal }, 'draining');
  // First, so that kubelet sends nothing new.
  await registration?.stop();
  await server.drain();
  await Promise.all([stores?.stop(), stopAnnouncing?.()]);
  log.info('ended');
  // A call that hangs on a dead share must not keep the process.
  process.exit(0);
}

function addController(
  server: CsiServer,
  settings: Settings,
  pools: ReadonlyMap<string, PoolConfig>,
  log: Logger,
): Stores {
  const stores = new Stores({ pools, stateDir: settings.stateDir, busy: () => server.activity.busy, log });
  const node = settings.mode === 'all' ? ownNode(settings) : undefined;
  if (node !== undefined) stores.announce(node, log);
  server.add(
    'Controller',
    controllerService({
      stores,
      limitedNodes: new KeyedMutex(),
      ...(node === undefined ? {} : { ownNode: node }),
    }),
  );
  return stores;
}

function addNode(
  server: CsiServer,
  { nodeId, maxVolumesPerNode, stateDir }: Settings,
  pools: ReadonlyMap<string, PoolConfig>,
  log: Logger,
): void {
  server.add('Node', createNodeService({ nodeId, maxVolumesPerNode, pools, stateDir, log }));
}

/** kubelet calls the driver to register it: only now that it is served. Undefined where that is not wanted. */
async function register(
  { registrationSocket: socket, driverName, socket: endpoint }: Settings,
  server: CsiServer,
  log: Logger,
): Promise<KubeletRegistration | undefined> {
  if (socket === undefined) return undefined;
  const registration = new KubeletRegistration({ socket, driverName, endpoint, log });
  try {
    await registration.start();
  } catch (error) {
    // What listens would keep the program from ending.
    await server.drain();
    throw error;
  }
  return registration;
}

function ownNode({ nodeId, maxVolumesPerNode }: Settings) {
  return { nodeId, maxVolumes: maxVolumesPerNode };
}

/**
 * Room for each pool's calls, those of a view that died, and probes. libuv reads it when the first call needs a thread.
 */
function sizeThreadPool(pools: number): void {
  process.env.UV_THREADPOOL_SIZE = String(Math.min(1024, 4 + pools * (2 * slotsPerPool + 2)));
}

function endSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
}
