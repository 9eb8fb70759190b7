// Reads ginkgo's JSON report of a csi-sanity run and judges it.
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
  /** Why it was skipped or how it failed. */
  readonly message: string;
}

export interface Report {
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

/** Capabilities that Berth does not have yet; a spec may be skipped for lack of one of these only. */
const lacking: readonly { readonly capability: string; readonly pattern: RegExp }[] = [
  { capability: 'groups', pattern: /GroupController/ },
  { capability: 'snapshots', pattern: /snapshot/i },
  { capability: 'clone', pattern: /clon(e|ing)|source volume/i },
  { capability: 'topology', pattern: /topology|accessibility requirements/i },
  { capability: 'block', pattern: /block volume/i },
];

/** The capability a skipped spec needs; undefined if it should not have been skipped. */
export function missingCapability(spec: Spec): string | undefined {
  const text = `${spec.name} ${spec.message}`;
  return lacking.find(({ pattern }) => pattern.test(text))?.capability;
}
