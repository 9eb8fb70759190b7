// What the bench of copies is told, on both sides of the VM.

/** As util.parseArgs has them. */
export const copyOptions = {
  peer: { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean' },
} as const;

export interface CopyOptions {
  /** The binary of csi-driver-nfs. */
  readonly peer: string | undefined;
  readonly rounds: number;
  /** With so little that it only shows that all of it works. */
  readonly quick: boolean;
}

interface CopyFlags {
  readonly peer?: string | undefined;
  readonly rounds?: string | undefined;
  readonly quick?: boolean | undefined;
}

/** A round with many small files takes csi-driver-nfs a quarter of an hour in the VM. */
const usualRounds = 2;

/** A sentence where a flag makes no sense. */
export function parseCopyOptions({ peer, rounds, quick = false }: CopyFlags): CopyOptions | string {
  const count = rounds === undefined ? (quick ? 1 : usualRounds) : Number(rounds);
  if (!Number.isInteger(count) || count < 1 || count > 20)
    return `--rounds is ${rounds}; it has to be from 1 to 20`;
  return { peer, rounds: count, quick };
}

export function formatCopyOptions({ peer, rounds, quick }: CopyOptions): string[] {
  return [
    `--rounds=${rounds}`,
    ...(quick ? ['--quick'] : []),
    ...(peer === undefined ? [] : [`--peer=${peer}`]),
  ];
}
