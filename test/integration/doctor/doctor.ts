import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../support/tree.ts';

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

interface Line {
  readonly pool: string | null;
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly says: string;
  readonly advice: string | null;
}

export interface Told {
  readonly ok: boolean;
  readonly counts: Readonly<Record<Line['verdict'], number>>;
  readonly checks: readonly Line[];
}

/** A doctor that is at work. */
export interface AtWork {
  readonly process: ChildProcess;
  /** Its exit status, or the signal that ended it, and what it printed. */
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null; output: string }>;
}

/** A machine with local pools at these paths; `here` in a path is a directory of the test. `uid`: the doctor's user. */
export async function makePatient(t: TestContext, pools: Readonly<Record<string, string>>, uid = 0) {
  const here = await temporaryDirectory(t);
  const stateDir = join(here, 'state');
  const config = join(here, 'config.yaml');
  const paths = Object.entries(pools).map(([name, path]) => [name, path.replace(/^here/, here)] as const);
  const local = paths.map(([name, path]) => [name, { local: { path } }]);
  await writeFile(config, JSON.stringify({ pools: Object.fromEntries(local) }));

  function begin(...flags: string[]): AtWork {
    const args = [cli, 'doctor', '--config', config, '--state-dir', stateDir, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], uid });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const ended = new Promise<Awaited<AtWork['ended']>>((resolve) => {
      child.once('close', (status, signal) => resolve({ status, signal, output }));
    });
    return { process: child, ended };
  }

  return {
    here,
    stateDir,
    begin,
    /** Runs it to its end: its status and what it printed. */
    run: (...flags: string[]) => begin(...flags).ended,
    /** The same with --json. */
    async examine(...flags: string[]): Promise<Told & { status: number | null }> {
      const { status, output } = await begin('--json', ...flags).ended;
      return { status, ...(JSON.parse(output) as Told) };
    },
    path: async (name: string): Promise<string> => {
      const path = join(here, name);
      await mkdir(path, { recursive: true });
      return path;
    },
    /** Processes whose command line has this test's directory. */
    processes: () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => commandLine(pid).includes(here)),
  };
}

function commandLine(pid: string): string {
  const file = `/proc/${pid}/cmdline`;
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  } catch {
    // Ended in this very moment.
    return '';
  }
}

/** What it says of one pool and check; fails where it says nothing. */
export function lineOf(told: Told, pool: string | null, check: string): Line {
  const line = told.checks.find((one) => one.pool === pool && one.check === check);
  if (line === undefined) throw new Error(`nothing is said of ${pool} ${check}: ${JSON.stringify(told)}`);
  return line;
}
