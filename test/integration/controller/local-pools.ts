import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from '../../support/driver.ts';

/** The flags for a driver whose config has these local pools, by name and path. */
export async function withPools(
  machine: Machine,
  pools: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const config = join(machine.directory, 'pools.yaml');
  const local = Object.entries(pools).map(([name, path]) => [name, { local: { path } }]);
  await writeFile(config, JSON.stringify({ pools: Object.fromEntries(local) }));
  return ['--config', config];
}

/** A pool that cannot be attached, since a file is where its directory should be, until that is taken away. */
export async function deadPool(
  machine: Machine,
  name: string,
): Promise<{ path: string; repair: () => Promise<void> }> {
  const path = join(machine.directory, name);
  await writeFile(path, '');
  return { path, repair: () => rm(path) };
}
