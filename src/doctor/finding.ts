export type Verdict = 'ok' | 'warn' | 'fail';

/** What a check has found: one sentence, and another with what to do about it. */
export interface Finding {
  readonly verdict: Verdict;
  readonly says: string;
  /** Absent where there is nothing to do, or the sentence says it. */
  readonly advice?: string;
}

/** One look at one thing. `C` is what it looks at. */
export interface Check<C> {
  /** A stable word, for scripts. */
  readonly name: string;
  /** What it throws is a failure. */
  run(context: C): Promise<Finding>;
}

/** A finding in its place in the report. */
export interface Result extends Finding {
  /** The pool that was looked at; undefined for the machine. */
  readonly pool: string | undefined;
  readonly check: string;
}

export function ok(says: string, advice?: string): Finding {
  return finding('ok', says, advice);
}

export function warn(says: string, advice?: string): Finding {
  return finding('warn', says, advice);
}

export function fail(says: string, advice?: string): Finding {
  return finding('fail', says, advice);
}

function finding(verdict: Verdict, says: string, advice: string | undefined): Finding {
  return { verdict, says, ...(advice === undefined ? {} : { advice }) };
}
