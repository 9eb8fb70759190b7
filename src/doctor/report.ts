import type { Result, Verdict } from './finding.ts';

export interface Report {
  /** Nothing has failed. */
  readonly ok: boolean;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly checks: readonly Result[];
}

export function reportOf(checks: readonly Result[]): Report {
  const counts = { ok: 0, warn: 0, fail: 0 };
  for (const { verdict } of checks) counts[verdict] += 1;
  return { ok: counts.fail === 0, counts, checks };
}

/** One line for each check, in columns, and one that counts them. */
export function asText({ counts, checks }: Report): string {
  const rows = checks.map(({ verdict, pool, check, says, advice }) => [
    verdict,
    pool === undefined ? 'machine' : `pool ${pool}`,
    check,
    advice === undefined ? says : `${says} ${advice}`,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const failures = `${counts.fail} ${counts.fail === 1 ? 'failure' : 'failures'}`;
  const warnings = `${counts.warn} ${counts.warn === 1 ? 'warning' : 'warnings'}`;
  return `${[...lines, `${counts.ok} ok, ${warnings}, ${failures}`].join('\n')}\n`;
}

/** One object; `pool` is null for the machine, `advice` where there is nothing to do. */
export function asJson({ checks, ...rest }: Report): string {
  const plain = checks.map(({ pool, check, verdict, says, advice }) => ({
    pool: pool ?? null,
    check,
    verdict,
    says,
    advice: advice ?? null,
  }));
  return `${JSON.stringify({ ...rest, checks: plain })}\n`;
}
