import { mkdir } from 'node:fs/promises';
import type { LocalPoolConfig } from '../config/schema.ts';
import type { Backend } from './backend.ts';

/** A pool that is a directory of this machine: no server needed, made at first use. */
export function localBackend(config: LocalPoolConfig): Backend {
  return {
    kind: 'local',
    needsSync: true,
    async attach() {
      // Searchable for all: pods without root reach their volume through it on some runtimes.
      await mkdir(config.path, { recursive: true, mode: 0o755 });
      return config.path;
    },
    async detach() {},
  };
}
