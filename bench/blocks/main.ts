// npm run bench -- --blocks: image volumes beside what the machine does without a driver, in one run in the VM.
import { runInVm } from '../../test/vm/vm.ts';
import { figuresMark } from '../figures.ts';
import { type BlockFigures, reportBlocks } from './report.ts';

const timeout = 20 * 60_000;

/** Runs it and prints the tables. Resolves with the exit status. */
export async function benchBlocks(): Promise<number> {
  let figures: BlockFigures | undefined;
  const result = await runInVm({
    command: 'test/vm/guest/up.sh && exec node_modules/.bin/node bench/blocks/in-vm.ts',
    timeout,
    onLine: (line) => {
      if (line.startsWith(figuresMark)) figures = JSON.parse(line.slice(figuresMark.length)) as BlockFigures;
      else if (line.trim() !== '') console.log(line);
    },
  });
  if (figures !== undefined) console.log(reportBlocks(figures));
  if (figures !== undefined && result.exitCode === 0) return 0;
  console.error(`bench: not everything was measured; exit status in the VM: ${result.exitCode}`);
  console.error(result.console);
  return 1;
}
