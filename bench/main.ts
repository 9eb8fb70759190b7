// npm run bench [-- --peer PATH]: Berth, and csi-driver-nfs beside it, on one server in one run. --blocks: image
// volumes.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages } from '../test/setup/debian-packages.ts';
import { checkout, runInVm } from '../test/vm/vm.ts';
import { benchBlocks } from './blocks/main.ts';
import { type Figures, figuresMark } from './figures.ts';
import { measureNatively } from './native.ts';
import { report } from './report.ts';

const { values } = parseArgs({ options: { peer: { type: 'string' }, blocks: { type: 'boolean' } } });
if (values.blocks === true) {
  const problem = await ensurePackages(['fio']);
  if (problem !== undefined) console.error(`bench: ${problem}`);
  process.exit(await benchBlocks());
}
const timeout = 15 * 60_000;

/** The VM has a /tmp of its own: a binary from there would not be found. */
async function peerInCheckout(path: string): Promise<string> {
  const directory = join(checkout, '.cache', 'bench');
  await mkdir(directory, { recursive: true });
  const copy = join(directory, 'peer');
  await copyFile(path, copy);
  return copy;
}

const peer = values.peer === undefined ? undefined : await peerInCheckout(values.peer);
console.log('bench: on this machine');
const native = await measureNatively(peer);
let figures: Figures | undefined;
const result = await runInVm({
  command: `test/vm/guest/up.sh && exec node_modules/.bin/node bench/in-vm/main.ts ${peer ?? ''}`,
  timeout,
  onLine: (line) => {
    if (line.startsWith(figuresMark)) figures = JSON.parse(line.slice(figuresMark.length)) as Figures;
    else if (line.trim() !== '') console.log(line);
  },
});
if (figures !== undefined) {
  Object.assign(figures.berth, native.berth);
  Object.assign(figures.peer, native.peer);
  console.log(report(figures));
}
if (figures === undefined || result.exitCode !== 0) {
  console.error(
    result.timedOut
      ? `bench: the VM was ended after ${timeout / 60_000} minutes`
      : `bench: not everything was measured; exit status in the VM: ${result.exitCode}`,
  );
  console.error(result.console);
  process.exitCode = 1;
}
