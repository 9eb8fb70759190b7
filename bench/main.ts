// npm run bench [-- --peer PATH]: Berth, and csi-driver-nfs beside it, on one server in one run. --blocks: image
// volumes. --copies: snapshots, restores and clones.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages } from '../test/setup/debian-packages.ts';
import { checkout } from '../test/vm/vm.ts';
import { benchBlocks } from './blocks/main.ts';
import { benchCopies } from './copies/main.ts';
import { copyOptions, parseCopyOptions } from './copies/options.ts';
import type { Figures } from './figures.ts';
import { measureInVm } from './measure-in-vm.ts';
import { measureNatively } from './native.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: { ...copyOptions, blocks: { type: 'boolean' }, copies: { type: 'boolean' } },
});
if (values.blocks === true) {
  const problem = await ensurePackages(['fio']);
  if (problem !== undefined) console.error(`bench: ${problem}`);
  process.exit(await benchBlocks());
}

/** The VM has a /tmp of its own: a binary from there would not be found. */
async function peerInCheckout(path: string): Promise<string> {
  const directory = join(checkout, '.cache', 'bench');
  await mkdir(directory, { recursive: true });
  const copy = join(directory, 'peer');
  await copyFile(path, copy);
  return copy;
}

const peer = values.peer === undefined ? undefined : await peerInCheckout(values.peer);
if (values.copies === true) {
  const options = parseCopyOptions({ ...values, peer });
  if (typeof options !== 'string') process.exit(await benchCopies(options));
  console.error(`bench: ${options}`);
  process.exit(2);
}
console.log('bench: on this machine');
const native = await measureNatively(peer);
const { figures, problem } = await measureInVm<Figures>({
  program: ['bench/in-vm/main.ts', ...(peer === undefined ? [] : [peer])],
  timeout: 15 * 60_000,
});
if (figures !== undefined) {
  Object.assign(figures.berth, native.berth);
  Object.assign(figures.peer, native.peer);
  console.log(report(figures));
}
if (problem !== undefined) {
  console.error(`bench: ${problem}`);
  process.exitCode = 1;
}
