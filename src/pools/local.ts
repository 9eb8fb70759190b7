import { mkdir, stat } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import type { LocalPoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { isErrno } from '../errors/errno.ts';
import type { Backend } from './backend.ts';

/**
 * A pool that is a directory of this machine: no server needed, made by the controller when it starts. One that
 * goes away later is not made again: an empty one in its place would look as if all volumes had been deleted.
 */
export function localBackend(name: string, { path }: LocalPoolConfig): Backend {
  return {
    kind: 'local',
    needsSync: true,
    async attach({ make }) {
      // Searchable for all: pods without root reach their volume through it on some runtimes.
      if (make) await mkdir(path, { recursive: true, mode: 0o755 });
      else if (!(await exists(path))) throw missing(name);
      return path;
    },
    async isCurrent(root) {
      try {
        const [held, there] = await Promise.all([stat(root.at('.')), stat(path)]);
        return held.dev === there.dev && held.ino === there.ino;
      } catch (error) {
        if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return false;
        throw error;
      }
    },
    async detach() {},
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function missing(name: string): CsiError {
  return new CsiError(
    status.UNAVAILABLE,
    'pool-missing',
    `The directory of the pool ${name} is not there (any more); mount or restore it, or correct the pool's path in the config.`,
  );
}
