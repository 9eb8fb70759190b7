// npm run bench -- --blocks: image volumes beside what the machine does without a driver, in one run in the VM.
import { measureInVm } from '../measure-in-vm.ts';
import { type BlockFigures, reportBlocks } from './report.ts';

/** Runs it and prints the tables. Resolves with the exit status. */
export async function benchBlocks(): Promise<number> {
  const { figures, problem } = await measureInVm<BlockFigures>({
    program: ['bench/blocks/in-vm.ts'],
    timeout: 20 * 60_000,
  });
  if (figures !== undefined) console.log(reportBlocks(figures));
  if (problem === undefined) return 0;
  console.error(`bench: ${problem}`);
  return 1;
}
