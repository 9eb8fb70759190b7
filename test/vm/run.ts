// By hand: node test/vm/run.ts 'COMMAND' [MINUTES] runs a bash command in the VM.
import { runInVm } from './vm.ts';

const [command = 'bash --version', minutes = '10'] = process.argv.slice(2);
const {
  exitCode,
  timedOut,
  console: kernelConsole,
} = await runInVm({
  command,
  timeout: Number(minutes) * 60_000,
  onLine: (line) => console.log(line),
});
if (kernelConsole !== '') console.error(kernelConsole);
if (timedOut) console.error(`vm: ended after ${minutes} minutes`);
process.exitCode = exitCode ?? 1;
