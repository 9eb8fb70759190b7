import { type Logger, pino } from 'pino';
import { loadConfig } from './config/load.ts';
import type { PoolConfig } from './config/schema.ts';
import { Accessibility } from './controller/accessibility.ts';
import type { ControllerDeps } from './controller/deps.ts';
import { groupControllerService } from './controller/group-service.ts';
import { ownAttacher } from './controller/own-attacher.ts';
import { controllerService } from './controller/service.ts';
import { snapshotMetadataService } from './controller/snapshot-metadata.ts';
import { UsageError } from './errors/usage-error.ts';
import { prepareToRun } from './host/run.ts';
import { identityService } from './identity/service.ts';
import type { Monitor } from './monitor.ts';
import { createNodeService } from './node/service.ts';
import type { MountObserver } from './pools/mount-observer.ts';
import { slotsPerPool } from './pools/view.ts';
import { KubeletRegistration } from './registration/kubelet-registration.ts';
import { CsiServer } from './server/server.ts';
import type { Settings } from './settings.ts';
import { KeyedMutex } from './volumes/keyed-mutex.ts';
import { type Announcer, keepAnnounced } from './volumes/state/announce.ts';
import { Stores } from './volumes/stores.ts';

/** Serves until SIGTERM or SIGINT, then drains. Throws UsageError where config or socket are wrong. */
export async function runDriver(settings: Settings, version: string): Promise<void> {
  const ending = endSignal();
  const { pools, devices } = loadConfig(settings.configFile);
  sizeThreadPool(pools.size);
  const log = pino({ level: settings.logLevel, base: { berth: settings.mode } });
  const monitor = await makeMonitor(settings, version);
  const server = new CsiServer(log, monitor?.metrics.observeCall);
  server.add('Identity', identityService({ driverName: settings.driverName, version }));
  const parts: Parts = { server, settings, pools, devices, log, observeMount: monitor?.metrics.observeMount };
  refuseShares(parts);
  const controller = settings.mode === 'node' ? undefined : addController(parts);
  const stores = controller?.stores;
  if (settings.mode !== 'controller') addNode(parts, controller);
  await prepareToRun();
  const http = await listen(server, monitor, settings);
  const registration = await register(parts, monitor);
  // From here on modes are what mkdir is given: a volume's directory needs no second round trip to set it.
  process.umask(0);
  stores?.start();
  const announcer = stores === undefined ? announce(parts) : undefined;
  monitor?.serving({
    reports: () => stores?.reports() ?? announcer?.reports() ?? [],
    callsInFlight: () => server.activity.running,
    socketProblem: () => server.socketProblem(),
    registration: () => registration?.state,
  });
  log.info({ socket: settings.socket, http, version }, 'serving');
  const signal = await ending;
  log.info({ signal }, 'draining');
  monitor?.draining();
  // First, so that kubelet sends nothing new.
  await registration?.stop();
  await server.drain();
  await Promise.all([stores?.stop(), announcer?.end()]);
  monitor?.close();
  log.info('ended');
  // A call that hangs on a dead share must not keep the process.
  process.exit(0);
}

/** What the driver is put together from. */
interface Parts {
  readonly server: CsiServer;
  readonly settings: Settings;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly devices: readonly string[];
  readonly log: Logger;
  readonly observeMount: MountObserver | undefined;
}

/** Loaded only where it is asked for. */
async function makeMonitor(settings: Settings, version: string): Promise<Monitor | undefined> {
  if (settings.http === undefined) return undefined;
  const { Monitor } = await import('./monitor.ts');
  return new Monitor(settings, version);
}

/** Gives the address of the monitor, if there is one. It comes first: its port may well be another driver's. */
async function listen(
  server: CsiServer,
  monitor: Monitor | undefined,
  { socket, http }: Settings,
): Promise<string | undefined> {
  const address = http && (await monitor?.listen(http));
  try {
    await server.listen(socket);
    return address;
  } catch (error) {
    monitor?.close();
    throw error;
  }
}

/** Controllers that know nothing of each other would each give a share's volumes to its own node. */
function refuseShares({ settings, pools }: Parts): void {
  const share = [...pools.values()].find(({ kind }) => kind !== 'local');
  if (settings.mode !== 'local' || share === undefined) return;
  throw new UsageError(
    `${settings.configFile}: the pool ${share.name} is a share, and "berth local" serves directories of each node alone; leave the pool out, or run "berth controller" and "berth node"`,
  );
}

function addController({ server, settings, pools, log, observeMount }: Parts): ControllerDeps {
  const { stateDir } = settings;
  const stores = new Stores({ pools, stateDir, busy: () => server.activity.busy, log, observeMount });
  const node = settings.mode === 'controller' ? undefined : ownNode(settings);
  if (node !== undefined) stores.announce(node, log);
  const deps = {
    stores,
    log,
    limitedNodes: new KeyedMutex(),
    accessibility: new Accessibility(settings.driverName, node?.nodeId),
    ...(node === undefined ? {} : { ownNode: node }),
    isOneOfMany: settings.mode === 'local',
  };
  server.add('Controller', controllerService(deps));
  server.add('GroupController', groupControllerService(deps));
  server.add('SnapshotMetadata', snapshotMetadataService(deps));
  return deps;
}

function addNode(
  { server, settings, pools, devices, log, observeMount }: Parts,
  controller: ControllerDeps | undefined,
): void {
  const { driverName, nodeId, maxVolumesPerNode, stateDir } = settings;
  const service = createNodeService({
    driverName,
    nodeId,
    maxVolumesPerNode,
    pools,
    devices,
    stateDir,
    log,
    observeMount,
    attacher: controller?.isOneOfMany === true ? ownAttacher(controller, nodeId) : undefined,
  });
  server.add('Node', service);
}

function announce({ settings, pools, log, observeMount }: Parts): Announcer {
  const { stateDir } = settings;
  return keepAnnounced({ node: ownNode(settings), pools, stateDir, log, observeMount });
}

/** kubelet calls the driver to register it: only now that it is served. Undefined where that is not wanted. */
async function register(
  { server, settings, log }: Parts,
  monitor: Monitor | undefined,
): Promise<KubeletRegistration | undefined> {
  const { registrationSocket: socket, driverName, socket: endpoint } = settings;
  if (socket === undefined) return undefined;
  const registration = new KubeletRegistration({ socket, driverName, endpoint, log });
  try {
    await registration.start();
  } catch (error) {
    // So that no socket is left for a sidecar to find.
    await server.drain();
    monitor?.close();
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
