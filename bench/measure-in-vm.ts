// The host's side of what is measured in the VM.
import { runInVm } from '../test/vm/vm.ts';
import { figuresMark } from './figures.ts';

interface MeasureOptions {
  /** The program, below the checkout, and its arguments. */
  readonly program: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
  readonly memoryMegabytes?: number;
}

export interface Measured<T> {
  /** The last that were sent. */
  readonly figures: T | undefined;
  /** Why they may not be all. */
  readonly problem: string | undefined;
}

/** Brings up the bed in the VM, runs a program beside it, prints what that prints and takes its figures. */
export async function measureInVm<T>({
  program,
  timeout,
  memoryMegabytes,
}: MeasureOptions): Promise<Measured<T>> {
  let figures: T | undefined;
  const result = await runInVm({
    command: `test/vm/guest/up.sh && exec node_modules/.bin/node ${program.join(' ')}`,
    timeout,
    ...(memoryMegabytes === undefined ? {} : { memoryMegabytes }),
    onLine: (line) => {
      if (line.startsWith(figuresMark)) figures = JSON.parse(line.slice(figuresMark.length)) as T;
      else if (line.trim() !== '') console.log(line);
    },
  });
  if (figures !== undefined && result.exitCode === 0) return { figures, problem: undefined };
  const why = result.timedOut
    ? `the VM was ended after ${timeout / 60_000} minutes`
    : `exit status in the VM: ${result.exitCode}`;
  return { figures, problem: `not everything was measured; ${why}\n${result.console}` };
}
