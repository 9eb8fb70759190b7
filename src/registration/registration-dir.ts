import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { normalPath } from '../config/normal-path.ts';
import { errnoName } from '../errors/errno.ts';
import { UsageError } from '../errors/usage-error.ts';
import { isWithin } from '../host/mountinfo.ts';
import { maxSocketPathBytes } from '../server/socket.ts';

/**
 * The registration socket for a driver: `<directory>/<driver>-reg.sock`, the name that node-driver-registrar gives it.
 * Throws UsageError for what cannot work.
 * @param directory as --registration-dir has it
 * @param endpoint path of the CSI socket
 */
export function registrationSocket(directory: string, driverName: string, endpoint: string): string {
  const normal = normalPath(directory);
  if (!directory.startsWith('/') || normal === '/') {
    throw new UsageError(
      `--registration-dir ${directory}: expected an absolute path, for example /var/lib/kubelet/plugins_registry`,
    );
  }
  // kubelet watches it with all folders below, and asks every socket there to register itself.
  if (isWithin(normalPath(endpoint), normal)) {
    throw new UsageError(
      `--endpoint ${endpoint}: it is inside --registration-dir, where kubelet would take it for a registration socket; put it elsewhere, as in /var/lib/kubelet/plugins/${driverName}/csi.sock`,
    );
  }
  const socket = join(normal, `${driverName}-reg.sock`);
  if (Buffer.byteLength(socket) > maxSocketPathBytes) {
    throw new UsageError(
      `--registration-dir ${directory}: the socket ${socket} is longer than ${maxSocketPathBytes} bytes; choose a shorter one`,
    );
  }
  return socket;
}

/** Throws UsageError unless the directory is there: one that was made here would be none that kubelet watches. */
export function requireRegistrationDir(socket: string): void {
  const directory = dirname(socket);
  if (isDirectory(directory)) return;
  throw new UsageError(
    `--registration-dir ${directory}: there is no such directory; name kubelet's folder plugins_registry, and mount it from the host where Berth runs in a container`,
  );
}

function isDirectory(directory: string): boolean {
  try {
    return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    throw new UsageError(
      `--registration-dir ${directory}: it cannot be looked at (${errnoName(error)}); see what is wrong with kubelet's folder on this node`,
      { cause: error },
    );
  }
}

/**
 * A sentence where kubelet may not find the CSI socket: it looks on the host, under the path that it is told. Both
 * are usually below one folder of kubelet's, which is mounted whole.
 */
export function endpointDoubt(socket: string, endpoint: string): string | undefined {
  const kubelet = dirname(dirname(socket));
  if (isWithin(normalPath(endpoint), kubelet)) return undefined;
  return `kubelet will look for the CSI socket at ${endpoint} on the host, which is outside its folder ${kubelet}; where Berth runs in a container, mount the host's ${dirname(endpoint)} at the same path`;
}
