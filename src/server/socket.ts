import { lstatSync, mkdirSync, rmSync, type Stats } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { errnoName } from '../errors/errno.ts';
import { UsageError } from '../errors/usage-error.ts';

/** The longest path of a UNIX socket (sockaddr_un in unix(7), with its final NUL). */
export const maxSocketPathBytes = 107;

/** The same for the CSI socket, whose name has five more at first (aside.ts). */
const maxEndpointBytes = maxSocketPathBytes - 5;

/** Reads an endpoint flag. Throws UsageError for anything but an absolute UNIX socket path. */
export function socketPath(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, '');
  if (!path.startsWith('/') || path.endsWith('/')) {
    throw new UsageError(`--endpoint ${endpoint}: expected a UNIX socket, for example unix:///csi/csi.sock`);
  }
  if (Buffer.byteLength(path) > maxEndpointBytes) {
    throw new UsageError(
      `--endpoint ${endpoint}: the socket's path is longer than ${maxEndpointBytes} bytes; choose a shorter one`,
    );
  }
  return path;
}

/**
 * Makes the folder of the CSI socket. Its mode does not hang on the umask alone: nobody else may put a socket there.
 */
export function makeSocketDir(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
}

/**
 * Makes way for a socket: removes one that nobody listens on any more. Throws UsageError where a process
 * listens on it, or where something else is in its place; `flag` is what named it.
 */
export async function clearSocket(path: string, flag = '--endpoint'): Promise<void> {
  const stats = statsOf(path, flag);
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new UsageError(
      `${flag} ${path}: there is something that is not a socket; remove it or choose another path`,
    );
  }
  if (await answers(path)) throw inUse(path, flag);
  rmSync(path, { force: true });
}

export function inUse(path: string, flag = '--endpoint'): UsageError {
  return new UsageError(
    `${flag} ${path}: another process listens on it; end that one or choose another path`,
  );
}

function statsOf(path: string, flag: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new UsageError(
      `${flag} ${path}: it cannot be looked at (${errnoName(error)}); see what is wrong with its folder, or choose another path`,
      { cause: error },
    );
  }
}

/** Whether a process listens on a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // EAGAIN: it listens, with a full backlog. ECONNREFUSED: nobody does.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'));
  });
}
