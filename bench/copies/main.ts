// npm run bench -- --copies: snapshots, restores and clones on a server with reflink and on one without, in one run in
// the VM.
import { measureInVm } from '../measure-in-vm.ts';
import type { CopyFigures } from './figures.ts';
import { type CopyOptions, formatCopyOptions } from './options.ts';
import { reportCopies } from './report.ts';

/** Milliseconds: what does not depend on the rounds, and each of them, with csi-driver-nfs. */
const [base, perRound] = [25 * 60_000, 40 * 60_000];

/** Runs it and prints the tables. Resolves with the exit status. */
export async function benchCopies(options: CopyOptions): Promise<number> {
  const { figures, problem } = await measureInVm<CopyFigures>({
    program: ['bench/copies/in-vm.ts', ...formatCopyOptions(options)],
    timeout: base + options.rounds * perRound,
    // The servers' disks are in memory, and so is what they have cached.
    memoryMegabytes: 6144,
  });
  if (figures !== undefined) console.log(reportCopies(figures));
  if (problem === undefined) return 0;
  console.error(`bench: ${problem}`);
  return 1;
}
