/** What a probe does in a pool, in this order. */
export const steps = [
  'open',
  'state',
  'space',
  'round-trip',
  'write',
  'owners',
  'groups',
  'clock',
  'clone',
  'locks',
] as const;

export type Step = (typeof steps)[number];

/** What each step finds out. */
export interface Measured {
  readonly open: { readonly directory: boolean };
  /** `announced`: whether this node is known here; null where nobody asked. */
  readonly state: { readonly present: boolean; readonly announced: boolean | null };
  /** Bytes, and files. A file system without a number of files has 0 in all. */
  readonly space: {
    readonly total: number;
    readonly available: number;
    readonly files: number;
    readonly freeFiles: number;
  };
  /** Median of several questions that no cache answers. */
  readonly 'round-trip': { readonly milliseconds: number };
  readonly write: { readonly milliseconds: number };
  /** Who owns what root makes, and who after it was given to `given`; null where that was refused. */
  readonly owners: { readonly made: number; readonly given: number; readonly became: number | null };
  /** Exit status of a look by a user whose supplementary group may read; null where it could not be tried. */
  readonly groups: { readonly status: number | null };
  /** How far the server's clock is before this machine's. */
  readonly clock: { readonly aheadMs: number };
  readonly clone: { readonly clones: boolean };
  /** Exit status of flock(1); null where it is not installed. */
  readonly locks: { readonly status: number | null; readonly complaint: string };
}

/** A step that was begun and did not come to its end has neither value nor error. */
export type Measurements = {
  readonly [S in Step]?: {
    readonly value?: Measured[S] /** An errno, such as EACCES. */;
    readonly error?: string;
  };
};

/** One line of a probe's output: a step is begun, and then it has ended. */
export interface ProbeLine {
  readonly step: Step;
  readonly value?: unknown;
  readonly error?: string;
}

export function parseMeasurements(output: string): Measurements {
  const measured: Partial<Record<Step, { value?: unknown; error?: string }>> = {};
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { step, ...result } = JSON.parse(line) as ProbeLine;
    measured[step] = result;
  }
  // The cast: the probe is of this same program.
  return measured as Measurements;
}
