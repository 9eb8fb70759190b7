import { constants } from 'node:os';
import { pino } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { PoolConfig } from '../config/schema.ts';
import { UsageError } from '../errors/usage-error.ts';
import { run } from '../host/run.ts';
import { within } from '../within.ts';
import { machineChecks } from './checks/machine.ts';
import type { DoctorContext } from './context.ts';
import { fail, type Result } from './finding.ts';
import { checkPool } from './pool/check-pool.ts';
import { asJson, asText, reportOf } from './report.ts';
import type { DoctorSettings } from './settings.ts';

/** A check of the machine that has not ended so long after its own limits is given up. Milliseconds. */
const graceMs = 2_000;

/**
 * Looks at the machine and the pools, and tells. Resolves with the exit status: 0, 1 where something fails, 128 and
 * the signal's number where one ended it; nothing is left behind then either. Throws UsageError.
 */
export async function runDoctor(settings: DoctorSettings): Promise<number> {
  const pools = choose(loadConfig(settings.configFile).pools, settings.pool);
  const ending = new AbortController();
  let endedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      endedBy ??= signal;
      ending.abort();
    });
  }
  const { signal } = ending;
  const context: DoctorContext = {
    ...settings,
    pools,
    // This one has just started, on the same machine and under the same load.
    startMs: Math.round(3 * performance.now()),
    signal,
    exec: (file, args, options) => run(file, args, { ...options, signal }),
    log: pino({ level: 'silent' }),
  };
  const [machine, ...ofPools] = await Promise.all([
    checkMachine(context),
    ...pools.map((config) => lookAt(config, context)),
  ]);
  if (endedBy !== undefined) return 128 + constants.signals[endedBy];
  const report = reportOf([...machine, ...ofPools.flat()]);
  await write(settings.json ? asJson(report) : asText(report));
  return report.ok ? 0 : 1;
}

function choose(pools: ReadonlyMap<string, PoolConfig>, name: string | undefined): readonly PoolConfig[] {
  if (name === undefined) return [...pools.values()];
  const pool = pools.get(name);
  if (pool !== undefined) return [pool];
  throw new UsageError(`--pool ${name}: the config has no such pool; it has ${[...pools.keys()].join(', ')}`);
}

function checkMachine(context: DoctorContext): Promise<Result[]> {
  return Promise.all(
    machineChecks.map(async ({ name: check, run: look }) => {
      const late = fail(`The check did not end within ${(context.timeoutMs + graceMs) / 1000} s.`);
      const finding = await within(look(context).catch(unexpected), context.timeoutMs + graceMs);
      return { pool: undefined, check, ...(finding ?? late) };
    }),
  );
}

async function lookAt(config: PoolConfig, doctor: DoctorContext): Promise<Result[]> {
  try {
    return await checkPool({ config, doctor });
  } catch (error) {
    return [{ pool: config.name, check: 'pool', ...unexpected(error) }];
  }
}

function unexpected(error: unknown) {
  return fail(`The check failed: ${error instanceof Error ? error.message : String(error)}.`);
}

function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}
