import { CsiError } from '../../errors/csi-error.ts';
import { CommandError } from '../../host/command-error.ts';
import { readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { run } from '../../host/run.ts';
import { type Finding, fail, ok, type Result } from '../finding.ts';
import type { PoolContext } from './context.ts';
import { notExported } from './exported.ts';
import { judge, noAnswer } from './judge.ts';
import { meaningless } from './meaningless.ts';
import { type Measurements, parseMeasurements, steps } from './measurement.ts';
import { type Mounted, mountPool } from './mounted.ts';
import { probeFiles, probeName } from './probe.ts';
import { protocolOf, securityOf } from './protocol.ts';
import { reachable } from './reachable.ts';

/** How long a file that a probe left may keep its removal. */
const removalLimitMs = 3_000;

/** Looks at one pool, step by step; where one fails those that need it are left out. Leaves nothing behind. */
export async function checkPool(context: PoolContext): Promise<Result[]> {
  const results: Result[] = [];
  const add = (check: string, finding: Finding) => {
    results.push({ pool: context.config.name, check, ...finding });
  };
  const isNfs = context.config.kind === 'nfs';
  if (isNfs) {
    const found = await reachable(context);
    add('reachable', found);
    if (found.verdict === 'fail') return results;
  }
  const mounted = await mount(context, add);
  if (mounted === undefined) return results;
  try {
    if (isNfs) add('protocol', protocolOf(mounted.path));
    const measurements = await probed(context, mounted.path);
    // What hangs in the kernel beyond the reach of a signal takes what it has told along.
    if (measurements.open === undefined) {
      add('directory', noAnswer(context.doctor.timeoutMs));
    }
    for (const step of steps) {
      // A mounted export is there.
      if (step === 'open' && isNfs && measurements.open?.value !== undefined) continue;
      const finding = judge(step, measurements, {
        pool: context.config.name,
        path: context.config.kind === 'local' ? context.config.local.path : undefined,
        nodeId: context.doctor.nodeId,
        timeoutMs: context.doctor.timeoutMs,
      });
      if (finding !== undefined) add(step === 'open' ? 'directory' : step, finding);
    }
  } finally {
    await mounted.release();
  }
  if (isNfs && topmostAt(readMountinfo(), mounted.path) !== undefined) {
    add('clean-up', fail(`${mounted.path} is still mounted.`, `Unmount it: umount -l ${mounted.path}`));
  }
  return results;
}

async function mount(
  context: PoolContext,
  add: (check: string, finding: Finding) => void,
): Promise<Mounted | undefined> {
  try {
    const mounted = await mountPool(context);
    if (context.config.kind === 'nfs') {
      add('export', ok(`${context.config.nfs.server} exports ${context.config.nfs.path} to this machine.`));
    }
    return mounted;
  } catch (error) {
    if (!(error instanceof CsiError)) throw error;
    add('export', notExported(context, error));
    return undefined;
  }
}

/** Has a child process work in the pool, and removes what it could not remove itself. */
async function probed({ config, doctor }: PoolContext, directory: string): Promise<Measurements> {
  const name = probeName();
  const [, program = ''] = process.argv;
  const args = [directory, name];
  for (const step of meaningless(config, securityOf(directory))) args.push('--skip', step);
  if (doctor.nodeId !== undefined) args.push('--node-id', doctor.nodeId);
  try {
    const output = await doctor.exec(
      process.execPath,
      [...process.execArgv, program, 'doctor-probe', ...args],
      { timeoutMs: doctor.startMs + doctor.timeoutMs },
    );
    return parseMeasurements(output);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // Not by doctor.exec: this has to be done also when the doctor is told to end.
    await run('rm', ['-f', '--', ...probeFiles({ directory, name })], { timeoutMs: removalLimitMs }).catch(
      () => {},
    );
    // It tells of each step as it goes, so what it told counts, however it ended.
    const told = parseMeasurements(error.output);
    if (!error.timedOut && told.open === undefined) throw error;
    return told;
  }
}
