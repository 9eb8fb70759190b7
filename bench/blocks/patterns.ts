// What fio does in each run.

export interface Pattern {
  readonly name: string;
  readonly flags: readonly string[];
}

const kinds = [
  ['4k random read', ['--rw=randread', '--bs=4k']],
  ['4k random write', ['--rw=randwrite', '--bs=4k']],
  ['1M sequential read', ['--rw=read', '--bs=1M']],
  ['1M sequential write', ['--rw=write', '--bs=1M']],
] as const;

export const patterns: readonly Pattern[] = kinds.flatMap(([what, flags]) =>
  [1, 16].map((depth) => ({
    name: `${what}, queue depth ${depth}`,
    flags: [...flags, `--iodepth=${depth}`],
  })),
);

/** Of what is read and written, in bytes. */
export const fileBytes = 128 * 1024 ** 2;
