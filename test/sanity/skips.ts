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

const createVolume = 'Controller Service [Controller Server] CreateVolume';

/**
 * Capabilities that Berth does not have yet, each with the specs that need it, by the beginning of their names. One
 * that is not in here may not be skipped.
 */
const lacking: Readonly<Record<string, readonly string[]>> = {
  'group snapshots': [
    'GroupController Service [GroupController Server] ',
    'GroupController Service [GroupController VolumeGroupSnapshots] ',
  ],
  snapshots: [
    'CreateSnapshot [Controller Server] ',
    'DeleteSnapshot [Controller Server] ',
    'GetSnapshot [Controller Server] ',
    'ListSnapshots [Controller Server] ',
    `${createVolume} should create volume from an existing source snapshot`,
    `${createVolume} should fail when the volume source snapshot is not found`,
  ],
  clone: [
    `${createVolume} should create volume from an existing source volume`,
    `${createVolume} should fail when the volume source volume is not found`,
  ],
};

/** The capability a skipped spec needs; undefined if it should not have been skipped. */
export function missingCapability({ name }: Spec): string | undefined {
  const found = Object.entries(lacking).find(([, specs]) => specs.some((spec) => name.startsWith(spec)));
  return found?.[0];
}
