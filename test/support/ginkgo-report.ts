// Reads ginkgo's JSON report of a run: of csi-sanity, and of Kubernetes' own suite.
import { readFileSync } from 'node:fs';

interface GinkgoSpec {
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly State: string;
  readonly Failure?: { readonly Message?: string };
}

export interface Spec {
  readonly name: string;
  /** Why it was skipped or how it failed; empty where it was left out by its name. */
  readonly message: string;
}

interface Report {
  readonly passed: readonly Spec[];
  readonly failed: readonly Spec[];
  readonly skipped: readonly Spec[];
  readonly pending: readonly Spec[];
}

export function readReport(file: string): Report {
  const suites = JSON.parse(readFileSync(file, 'utf8')) as { SpecReports: GinkgoSpec[] | null }[];
  const specs = suites.flatMap((suite) => suite.SpecReports ?? []);
  const inState = (...states: string[]): Spec[] =>
    specs
      // A suite's own set-up and clean-up are of interest only where they fail.
      .filter(({ LeafNodeType, State }) => LeafNodeType === 'It' || State !== 'passed')
      .filter(({ State }) => states.includes(State))
      .map(({ ContainerHierarchyTexts, LeafNodeText, Failure }) => ({
        name: [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(' '),
        message: Failure?.Message ?? '',
      }));
  return {
    passed: inState('passed'),
    failed: inState('failed', 'panicked', 'interrupted', 'aborted', 'timedout'),
    skipped: inState('skipped'),
    pending: inState('pending'),
  };
}
