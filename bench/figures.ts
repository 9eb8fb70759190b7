// What the bench finds out, and how it comes from the VM to the host.
import type { OperationCount, OperationCounts } from '../test/vm/guest/mountstats.ts';

/** Samples by the name of what was measured. */
export type Samples = Record<string, number[]>;

export interface CountedCalls {
  readonly calls: number;
  readonly operations: Record<string, OperationCount>;
}

export interface Figures {
  readonly berth: Samples;
  readonly peer: Samples;
  /** What the machine itself does, without a driver. */
  readonly bare: Samples;
  /** NFS operations of so many calls, by name. */
  readonly operations: Record<string, CountedCalls>;
}

export const noFigures = (): Figures => ({ berth: {}, peer: {}, bare: {}, operations: {} });

export function add(samples: Samples, what: string, ...values: number[]): void {
  samples[what] ??= [];
  samples[what].push(...values);
}

/** Adds the NFS operations of so many more calls. */
export function addOperations(
  counted: Record<string, CountedCalls>,
  what: string,
  more: number,
  counts: OperationCounts,
): void {
  const sums = counted[what] ?? { calls: 0, operations: {} };
  for (const [name, { count, milliseconds }] of counts) {
    const before = sums.operations[name] ?? { count: 0, milliseconds: 0 };
    sums.operations[name] = {
      count: before.count + count,
      milliseconds: before.milliseconds + milliseconds,
    };
  }
  counted[what] = { ...sums, calls: sums.calls + more };
}

/** Begins the line on which the VM sends its figures. */
export const figuresMark = '\u001ebench ';
