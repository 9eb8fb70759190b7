import { existsSync, linkSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { isErrno } from '../errors/node-error.ts';
import { UsageError } from '../errors/usage-error.ts';

/** What a socket's name has at its end until the server behind it has answered. */
export const asideSuffix = '~';

/** The longest path of a UNIX socket (sockaddr_un in unix(7), with its final NUL, and the suffix from above). */
export const maxSocketPathBytes = 106;

/** Reads an endpoint flag. Throws UsageError for anything but an absolute UNIX socket path. */
export function socketPath(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, '');
  if (!path.startsWith('/') || path.endsWith('/')) {
    throw new UsageError(`--endpoint ${endpoint}: expected a UNIX socket, for example unix:///csi/csi.sock`);
  }
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new UsageError(
      `--endpoint ${endpoint}: the socket's path is longer than ${maxSocketPathBytes} bytes; choose a shorter one`,
    );
  }
  return path;
}

/**
 * Makes way for a socket: removes one that nobody listens on any more. Throws UsageError where a process
 * listens on it, or where something else is in its place; `flag` is what named it.
 */
export async function clearSocket(path: string, flag = '--endpoint'): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path) && !isLink(path)) return;
  if (!lstatSync(path).isSocket()) {
    throw new UsageError(
      `${flag} ${path}: there is something that is not a socket; remove it or choose another path`,
    );
  }
  if (await answers(path)) {
    throw new UsageError(
      `${flag} ${path}: another process listens on it; end that one or choose another path`,
    );
  }
  unlinkSync(path);
}

/** Gives a socket its name. Throws UsageError where another process has meanwhile made one of that name. */
export function nameSocket(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    throw new UsageError(
      `--endpoint ${path}: another process listens on it; end that one or choose another path`,
    );
  } finally {
    unlinkSync(aside);
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function answers(path: string): Promise<boolean> {
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
