import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { normalPath } from './config/normal-path.ts';
import { errnoName, isErrno } from './errors/errno.ts';
import { UsageError } from './errors/usage-error.ts';
import { type HttpAddress, httpAddress } from './http/address.ts';
import { registrationSocket } from './registration/registration-dir.ts';
import { socketPath } from './server/socket.ts';

export const modes = ['controller', 'node', 'all', 'local'] as const;
export type Mode = (typeof modes)[number];

/** The flags as they were given, after their environment variables and defaults. */
export interface Flags {
  readonly endpoint: string;
  readonly config: string;
  readonly driverName: string;
  readonly nodeId?: string;
  readonly maxVolumesPerNode: string;
  readonly stateDir: string;
  readonly registrationDir?: string;
  readonly logLevel: string;
  readonly http: string;
}

export interface Settings {
  readonly mode: Mode;
  readonly socket: string;
  readonly configFile: string;
  readonly driverName: string;
  /** Empty where there is no Node service. */
  readonly nodeId: string;
  readonly maxVolumesPerNode: number;
  readonly stateDir: string;
  /** By which kubelet is told of the driver; undefined where it is not, or by somebody else. */
  readonly registrationSocket: string | undefined;
  readonly logLevel: string;
  /** Health and metrics; undefined where they are not served. */
  readonly http: HttpAddress | undefined;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** Checks the flags. Throws UsageError for the first that is wrong. */
export function readSettings(mode: Mode, flags: Flags): Settings {
  const socket = socketPath(flags.endpoint);
  const name = driverName(flags.driverName);
  const { registrationDir = '' } = flags;
  return {
    mode,
    socket,
    configFile: flags.config,
    driverName: name,
    nodeId: mode === 'controller' ? '' : nodeId(flags.nodeId),
    maxVolumesPerNode: count(flags.maxVolumesPerNode),
    stateDir: stateDir(flags.stateDir),
    registrationSocket:
      mode === 'controller' || registrationDir === ''
        ? undefined
        : registrationSocket(registrationDir, name, socket),
    logLevel: logLevel(flags.logLevel),
    http: httpAddress(flags.http),
  };
}

/** CSI GetPluginInfo: a domain name, at most 63 characters, letters at both ends as csi-sanity asks. */
export function driverName(name: string): string {
  if (name.length <= 63 && /^[A-Za-z]([A-Za-z0-9.-]*[A-Za-z])?$/.test(name)) return name;
  throw new UsageError(
    `--driver-name ${name}: expected at most 63 letters, digits, dots and hyphens, with a letter at both ends`,
  );
}

/** CSI NodeGetInfo: at most 256 bytes. */
function nodeId(id: string | undefined): string {
  if (id === undefined || id === '') {
    throw new UsageError('--node-id is missing; give the name of this node (or set NODE_ID)');
  }
  if (Buffer.byteLength(id) <= 256 && !/[\u0000-\u001f\u007f-\u009f]/.test(id)) return id;
  throw new UsageError('--node-id: expected at most 256 bytes without control characters');
}

function count(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--max-volumes-per-node ${text}: expected a number; 0 means no limit`);
}

/** As the mount table will show what is mounted there: without symbolic links. Throws UsageError. */
export function stateDir(path: string): string {
  const normal = normalPath(path);
  if (path.startsWith('/') && normal !== '/' && !path.split('/').includes('..'))
    return resolveLinks(normal, path);
  throw new UsageError(`--state-dir ${path}: expected an absolute path below "/"`);
}

/** Of a path whose end may not be there yet. */
function resolveLinks(path: string, given: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    // A link that leads nowhere is there.
    const isMissing = isErrno(error, 'ENOENT') && lstatSync(path, { throwIfNoEntry: false }) === undefined;
    if (isMissing) return join(resolveLinks(dirname(path), given), basename(path));
    throw new UsageError(
      `--state-dir ${given}: ${path} cannot be looked up (${errnoName(error) ?? 'unknown'}); give another directory, or mend the link`,
    );
  }
}

function logLevel(level: string): string {
  if (logLevels.includes(level)) return level;
  throw new UsageError(`--log-level ${level}: expected one of ${logLevels.join(', ')}`);
}
