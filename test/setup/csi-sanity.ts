// The official csi-sanity, built from its Go module into the clone's cache.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';

const version = 'v5.6.0';
const bin = resolve(import.meta.dirname, '../../.cache/bin');

export const csiSanity = join(bin, 'csi-sanity');

/** Builds it unless it is there. Returns a line that says why not, or undefined if it is there. */
export async function ensureCsiSanity(): Promise<string | undefined> {
  if (existsSync(csiSanity)) return undefined;
  const go = await execa({ reject: false })`go version`;
  if (go.exitCode !== 0)
    return 'csi-sanity is built from its Go module, and there is no Go here (https://go.dev/dl)';
  console.log(`setup: go install csi-sanity ${version}`);
  const built = await execa({
    reject: false,
    all: true,
    timeout: 10 * 60_000,
    env: { GOBIN: bin },
  })`go install ${`github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@${version}`}`;
  return built.exitCode === 0 ? undefined : `csi-sanity ${version} could not be built:\n${built.all}`;
}
