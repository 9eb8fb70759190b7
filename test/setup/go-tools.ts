// Official programs that tests run, built from their Go modules into the clone's cache.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { leaveOut } from '../support/leave-out.ts';

const cache = resolve(import.meta.dirname, '../../.cache/bin');

interface GoTool {
  readonly package: string;
  readonly version: string;
}

const tools = {
  'csi-sanity': { package: 'github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity', version: 'v5.6.0' },
  // Renders deploy/kubernetes too: another version may order the objects in another way.
  'helm 4': { package: 'helm.sh/helm/v4/cmd/helm', version: 'v4.3.1' },
  'helm 3': { package: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' },
} as const satisfies Record<string, GoTool>;

export type GoToolName = keyof typeof tools;
export const goToolNames = Object.keys(tools) as readonly GoToolName[];

/** Where a tool is once it is built: a folder for each version, so that a newer one is built anew. */
export function goTool(name: GoToolName): string {
  const { package: path } = tools[name];
  return join(folderOf(name), path.slice(path.lastIndexOf('/') + 1));
}

/** Builds a tool unless it is there. Returns a line that says why not, or undefined if it is there. */
export async function ensureGoTool(name: GoToolName): Promise<string | undefined> {
  if (existsSync(goTool(name))) return undefined;
  const go = await execa({ reject: false })`go version`;
  if (go.exitCode !== 0)
    return `${name} is built from its Go module, and there is no Go here (https://go.dev/dl)`;
  const { package: path, version } = tools[name];
  console.log(`setup: go install ${path}@${version}`);
  const built = await execa({
    reject: false,
    all: true,
    timeout: 10 * 60_000,
    env: { GOBIN: folderOf(name) },
  })`go install ${`${path}@${version}`}`;
  return built.exitCode === 0 ? undefined : `${name} ${version} could not be built:\n${built.all}`;
}

/** Whether a tool is to be had; if not, the test is skipped, except under CI=true, where that is a failure. */
export async function requireGoTool(t: TestContext, name: GoToolName): Promise<boolean> {
  const problem = await ensureGoTool(name);
  if (problem === undefined) return true;
  leaveOut(t, problem);
  return false;
}

function folderOf(name: GoToolName): string {
  return join(cache, `${name.replace(' ', '')}@${tools[name].version}`);
}
