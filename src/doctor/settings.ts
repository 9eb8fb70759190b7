import { dirname } from 'node:path';
import type { DriverFlags } from '../driver-flags.ts';
import { UsageError } from '../errors/usage-error.ts';
import { registrationSocket } from '../registration/registration-dir.ts';
import { socketPath } from '../server/socket.ts';
import { driverName, type Mode, stateDir } from '../settings.ts';

/** The flags as they were given, or their environment variables; nothing has a default here. */
export interface DoctorFlags {
  readonly endpoint?: string;
  readonly config?: string;
  readonly driverName?: string;
  readonly nodeId?: string;
  readonly stateDir?: string;
  readonly registrationDir?: string;
  readonly pool?: string;
  readonly timeout: string;
  readonly json?: boolean;
}

export interface DoctorSettings {
  readonly configFile: string;
  readonly stateDir: string;
  readonly nodeId: string | undefined;
  readonly endpoint: string | undefined;
  readonly registrationSocket: string | undefined;
  readonly kubeletDir: string;
  readonly mode: Mode | undefined;
  readonly pool: string | undefined;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** Checks the flags; what is missing is that of the driver here, or the default. Throws UsageError. */
export function readDoctorSettings(flags: DoctorFlags, driver: DriverFlags): DoctorSettings {
  const given = flags.endpoint ?? driver.endpoint;
  const endpoint = given === undefined ? undefined : socketPath(given);
  const name = driverName(flags.driverName ?? driver['driver-name'] ?? 'csi.berth.dev');
  const directory = flags.registrationDir ?? driver['registration-dir'] ?? '';
  const registration = directory === '' ? undefined : registrationSocket(directory, name, endpoint ?? '/');
  return {
    configFile: flags.config ?? driver.config ?? '/etc/berth/config.yaml',
    stateDir: stateDir(flags.stateDir ?? driver['state-dir'] ?? '/var/lib/berth'),
    nodeId: flags.nodeId ?? driver['node-id'],
    endpoint,
    registrationSocket: registration,
    kubeletDir: kubeletDir(registration, endpoint),
    mode: driver.mode,
    pool: flags.pool,
    timeoutMs: 1000 * seconds(flags.timeout),
    json: flags.json === true,
  };
}

/** kubelet has its sockets in plugins_registry/ and plugins/<driver>/ of its folder. */
function kubeletDir(registration: string | undefined, endpoint: string | undefined): string {
  if (registration !== undefined) return dirname(dirname(registration));
  return /^(\/.+)\/plugins\/[^/]+\/[^/]+$/.exec(endpoint ?? '')?.[1] ?? '/var/lib/kubelet';
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}$/.test(text) && value > 0) return value;
  throw new UsageError(`--timeout ${text}: expected seconds, from 1 to 999`);
}
