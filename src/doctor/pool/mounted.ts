import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '../../pools/backend.ts';
import { nfsBackend } from '../../pools/nfs.ts';
import type { PoolContext } from './context.ts';

/** A pool's tree for as long as it is looked at. */
export interface Mounted {
  readonly path: string;
  /** Lets go of it; nothing is left. Never throws. */
  release(): Promise<void>;
}

/** Makes a pool's tree reachable, as the controller does. Throws CsiError with the reason for people. */
export async function mountPool({ config, doctor }: PoolContext): Promise<Mounted> {
  // Whether it is there is seen by the child process that works on it: it may be on a server that is dead.
  if (config.kind === 'local') return { path: config.local.path, release: async () => {} };
  const parent = join(doctor.stateDir, 'doctor');
  const directory = join(parent, config.name);
  const made = [directory, parent, ...(existsSync(doctor.stateDir) ? [] : [doctor.stateDir])];
  const backend: Backend = nfsBackend(config.name, config.nfs, {
    directory,
    log: doctor.log,
    mountTimeoutMs: doctor.timeoutMs,
    exec: doctor.exec,
  });
  try {
    const path = await backend.attach({ make: false });
    return {
      path,
      release: async () => {
        await backend.detach(path);
        removeEmpty(made);
      },
    };
  } catch (error) {
    removeEmpty(made);
    throw error;
  }
}

/** Inner ones first. Another doctor may be using them, and a driver the state directory. */
function removeEmpty(directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      if (existsSync(directory)) rmdirSync(directory);
    } catch {
      return;
    }
  }
}
