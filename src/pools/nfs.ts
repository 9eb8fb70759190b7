import { existsSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { NfsPoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { mountNfs, unmount } from '../host/mount.ts';
import { mountsBelow } from '../host/mountinfo.ts';
import { type Run, run } from '../host/run.ts';
import type { Backend } from './backend.ts';
import { mountFailure } from './mount-failure.ts';
import { type MountObserver, observed } from './mount-observer.ts';

/**
 * Options of the controller's own view of a share, after the pool's. Soft: a dead server gives an error instead
 * of a thread that never comes back (nfs(5)). Directory entries are kept for a second only, and absent ones not
 * at all, since another controller may work on the same pool.
 */
const ownOptions = [
  'soft',
  'timeo=50',
  'retrans=1',
  'retry=0',
  'lookupcache=pos',
  'acregmin=1',
  'acregmax=1',
  'acdirmin=1',
  'acdirmax=1',
  'nosuid',
  'nodev',
  'noexec',
  // It locks nothing: with NFSv3 it needs no rpc.statd. Newer versions pass over it.
  'nolock',
];

/** Options of the pool that would undo the controller's own. */
const overruled =
  /^(hard|soft|softerr|timeo|retrans|retry|lookupcache|ac|noac|actimeo|ac(reg|dir)(min|max)|ro|lock|local_lock)(=|$)/;

const defaultMountTimeoutMs = 15_000;

export interface NfsBackendOptions {
  /** Where it is mounted, for the controller's own use. */
  readonly directory: string;
  readonly log: Logger;
  /** Told of each mount and unmount. */
  readonly observe?: MountObserver;
  readonly mountTimeoutMs?: number;
  /** Runs the commands that mount. */
  readonly exec?: Run;
}

/** A pool on an NFS export, mounted for the controller's own use. */
export function nfsBackend(
  name: string,
  config: NfsPoolConfig,
  {
    directory,
    log,
    observe = () => {},
    mountTimeoutMs = defaultMountTimeoutMs,
    exec = run,
  }: NfsBackendOptions,
): Backend {
  let generation = 0;

  /** Lets go of what an earlier process left behind when it was killed; another one that lives keeps its own. */
  async function sweep(): Promise<void> {
    for (const mount of mountsBelow(directory)) {
      const pid = Number.parseInt(basename(mount.mountPoint), 10);
      if (pid === process.pid || !existsSync(`/proc/${pid}`)) await release(mount.mountPoint);
    }
  }

  async function release(target: string): Promise<void> {
    try {
      await observed(observe, { operation: 'unmount', pool: name }, () => unmount(target));
      await rmdir(target);
    } catch (error) {
      log.warn({ err: error, pool: name, target }, 'could not let go of a mount of the pool');
    }
  }

  return {
    kind: 'nfs',
    needsSync: false,
    async attach() {
      if (generation === 0) await sweep();
      generation += 1;
      const target = join(directory, `${process.pid}-${generation}`);
      await mkdir(target, { recursive: true, mode: 0o700 });
      try {
        await observed(observe, { operation: 'mount', pool: name }, () =>
          mountNfs(
            {
              server: config.server,
              path: config.path,
              target,
              options: [...config.mountOptions.filter((option) => !overruled.test(option)), ...ownOptions],
              timeoutMs: mountTimeoutMs,
            },
            exec,
          ),
        );
      } catch (error) {
        await release(target);
        const failure = mountFailure(error, { pool: name, server: config.server, timeoutMs: mountTimeoutMs });
        // Whatever it is, the pool is tried again until it is put right: a caller that repeats will see it.
        throw new CsiError(status.UNAVAILABLE, 'pool-unavailable', failure.message, { cause: error });
      }
      return target;
    },
    detach: release,
  };
}
