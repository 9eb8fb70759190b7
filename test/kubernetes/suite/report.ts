// What became of the suite's specs, for people.
import { readReport, type Spec } from '../../support/ginkgo-report.ts';

/** The number of specs that passed, failed and were skipped, and for each reason to skip how many. */
export function summary(file: string): string {
  const report = readReport(file);
  const { passed, failed } = report;
  const skipped = report.skipped.filter(({ message }) => message !== '');
  const byReason = Map.groupBy(skipped, ({ message }: Spec) => message);
  const reasons = [...byReason].sort(([, one], [, other]) => other.length - one.length);
  return [
    `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`,
    ...failed.map(({ name }) => `failed: ${name}`),
    ...reasons.map(([reason, specs]) => `skipped: ${specs.length} × ${reason}`),
  ].join('\n');
}
