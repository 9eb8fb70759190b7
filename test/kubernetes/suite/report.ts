// What became of the suite's specs, from ginkgo's JSON report.
import { readFile } from 'node:fs/promises';

interface SpecReport {
  readonly LeafNodeType: string;
  readonly State: string;
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeText: string;
  /** Of a spec that was skipped: missing where it is of another name than those asked for. */
  readonly Failure?: { readonly Message: string };
}

/** The number of specs that passed, failed and were skipped, and for each reason to skip how many. */
export async function summary(file: string): Promise<string> {
  const reports = JSON.parse(await readFile(file, 'utf8')) as { SpecReports: SpecReport[] | null }[];
  const specs = reports
    .flatMap(({ SpecReports }) => SpecReports ?? [])
    .filter(({ LeafNodeType }) => LeafNodeType === 'It');
  const passed = specs.filter(({ State }) => State === 'passed');
  const skipped = specs.filter(({ State, Failure }) => State === 'skipped' && Failure !== undefined);
  const failed = specs.filter(({ State }) => !['passed', 'skipped', 'pending'].includes(State));
  const reasons = new Map<string, number>();
  for (const { Failure } of skipped) {
    const reason = Failure?.Message ?? '';
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const byCount = [...reasons].sort(([, one], [, other]) => other - one);
  const name = ({ ContainerHierarchyTexts, LeafNodeText }: SpecReport) =>
    [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(' ');
  return [
    `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`,
    ...failed.map((spec) => `failed: ${name(spec)}`),
    ...byCount.map(([reason, count]) => `skipped: ${count} × ${reason}`),
  ].join('\n');
}
