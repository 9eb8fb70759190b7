// npm run demo: tells what Berth does, step by step, in a throw-away VM or on this machine.
// --local: on this machine although there is QEMU. --bed: used inside the VM.
import { findVmPrograms } from '../test/vm/machine.ts';
import { checkout, runInVm } from '../test/vm/vm.ts';
import { installPackages } from './install-packages.ts';
import { Narrator } from './narrator.ts';
import { onThisMachine } from './on-this-machine.ts';

const vmMinutes = 10;
const color = process.stdout.isTTY || process.env.BERTH_DEMO_COLOR === '1';
const tell = new Narrator((line) => console.log(line), color);

async function main(): Promise<boolean> {
  if (process.argv.includes('--bed')) {
    const { onBed } = await import('./on-bed.ts');
    return succeeds(() => onBed(tell));
  }
  const startedAt = performance.now();
  tell.says('Berth gives Kubernetes pods their volumes out of plain storage. This is what it does.');
  const done = await tellAnywhere();
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  tell.says(
    '',
    done ? `The story ends well, after ${seconds} s.` : `The story ended early, after ${seconds} s.`,
  );
  return done;
}

async function tellAnywhere(): Promise<boolean> {
  if (process.getuid?.() !== 0) {
    tell.says('', 'The demo makes real mounts, which only root may. Run it as root: sudo npm run demo');
    return false;
  }
  if (process.argv.includes('--local')) return tellHere('as was asked for (--local)');
  await installPackages((...lines) => tell.says(...lines));
  const programs = findVmPrograms();
  return typeof programs === 'string' ? tellHere(programs) : tellInVm();
}

function tellHere(why: string): Promise<boolean> {
  tell.says(
    '',
    `No VM: ${why}.`,
    'The same story is told on this machine, with a directory as the pool; only the server is missing.',
  );
  return succeeds(() => onThisMachine(tell));
}

async function tellInVm(): Promise<boolean> {
  tell.says(
    '',
    'A throw-away VM boots, with two kernel NFS servers and two nodes. It is emulated: what takes',
    'processor time takes about ten times as long as on a real machine. Nothing it writes is kept.',
  );
  const startedAt = performance.now();
  let isUp = false;
  const result = await runInVm({
    // What the servers say at their start is shown only if they do not start.
    command: `test/vm/guest/up.sh >/tmp/up.log 2>&1 || { cat /tmp/up.log; exit 1; }; BERTH_DEMO_COLOR=${color ? 1 : 0} node_modules/.bin/node demo/main.ts --bed`,
    timeout: vmMinutes * 60_000,
    onLine(line) {
      if (!isUp) tell.says(`It is up after ${Math.round((performance.now() - startedAt) / 1_000)} s.`);
      isUp = true;
      console.log(line);
    },
  });
  if (result.timedOut) tell.says('', `The VM was ended after ${vmMinutes} minutes.`);
  else if (result.exitCode === undefined)
    tell.says('', `The VM in ${checkout} ended by itself:`, result.console);
  return result.exitCode === 0;
}

async function succeeds(story: () => Promise<void>): Promise<boolean> {
  try {
    await story();
    return true;
  } catch (error) {
    tell.fails(error);
    return false;
  }
}

process.exit((await main()) ? 0 : 1);
