// Run by bench/main.ts inside the VM: in-vm/main.ts [PEER]. Prints its progress and, at the end, the figures.
import { mkdirSync, readdirSync } from 'node:fs';
import { a, nas, nfsPool, waitFor } from '../../test/vm/guest/bed.ts';
import { type Contestant, createVolume, deleteVolume } from '../contestant.ts';
import { add, type Figures, noFigures, type Samples } from '../figures.ts';
import { enter, progress, sendFigures } from '../guest.ts';
import { launchBerth, launchPeer, residentMegabytes } from '../launch.ts';
import { timed } from '../statistics.ts';
import { manyVolumes } from './many-volumes.ts';
import { countBerth, countPeer } from './operations.ts';
import { createAndDelete, deleteFull, pods } from './rounds.ts';

const rounds = 3;
const podRounds = 7;
const starts = 2;
const [peer] = process.argv.slice(2);

const figures: Figures = noFigures();
// At whatever end: what was measured before a failure is still worth its minutes.
process.once('exit', () => sendFigures(figures));
for (const name of ['few', 'many']) mkdirSync(`${nas.export}/${name}`, { mode: 0o777 });
const pools = { nas: nfsPool(nas) };

progress('starts');
for (let count = 0; count < starts; count += 1) {
  const berth = await launchBerth('node', pools, enter(a));
  add(figures.berth, 'first Probe', berth.millisecondsToProbe);
  add(figures.berth, 'idle', residentMegabytes(berth.pid));
  await berth.end();
  if (peer === undefined) continue;
  const other = await launchPeer(peer, enter(a));
  add(figures.peer, 'first Probe', other.millisecondsToProbe);
  add(figures.peer, 'idle', residentMegabytes(other.pid));
  await other.end();
}

// All on one host: a connection to the server is the same for both.
const controller = await launchBerth('controller', pools, enter(a));
const node = await launchBerth('node', pools, enter(a));
const berth: Contestant = {
  controller: controller.client,
  node: node.client,
  parameters: { pool: 'nas' },
  stages: true,
};
const contestants: { readonly contestant: Contestant; readonly samples: Samples; readonly name: string }[] = [
  { contestant: berth, samples: figures.berth, name: 'berth' },
];
const other = peer === undefined ? undefined : await launchPeer(peer, enter(a));
if (other !== undefined) {
  contestants.push({
    contestant: {
      controller: other.client,
      node: other.client,
      parameters: { server: nas.address, share: '/' },
      stages: false,
    },
    samples: figures.peer,
    name: 'peer',
  });
}
for (const { contestant, samples } of contestants) {
  // Once unmeasured: the pool gets mounted, code gets compiled.
  await deleteVolume(contestant, (await createVolume(contestant, 'warm-up')).id);
  for (let count = 0; count < 20; count += 1) {
    add(samples, 'empty call', await timed(() => contestant.controller.Identity.Probe({})));
  }
}

for (let round = 0; round < rounds; round += 1) {
  for (const { contestant, samples, name } of contestants) {
    progress(`round ${round + 1}: CreateVolume and DeleteVolume, ${name}`);
    const counts = name === 'berth' ? { alone: 20, atEight: 80 } : { alone: 6, atEight: 16 };
    await createAndDelete(contestant, samples, counts);
  }
}

progress('NFS operations');
await countBerth(berth, a, figures);
for (const { contestant, name } of contestants) if (name === 'peer') await countPeer(contestant, a, figures);

progress('pods');
const sets = await Promise.all(
  contestants.map(async (entry) => ({
    ...entry,
    volumes: [
      await createVolume(entry.contestant, `pods-1-${entry.name}`),
      await createVolume(entry.contestant, `pods-2-${entry.name}`),
    ] as const,
  })),
);
for (let round = 0; round < podRounds; round += 1) {
  for (const { contestant, samples, volumes, name } of sets) {
    await pods(contestant, samples, volumes, `/var/lib/bench/${name}`);
  }
  const bare = JSON.parse(
    await a.run(process.execPath, `${import.meta.dirname}/bare.ts`, `${nas.address}:/`),
  ) as Record<string, number>;
  for (const [what, value] of Object.entries(bare)) add(figures.bare, what, value);
}

const trash = `${nas.export}/.berth/trash`;
for (const { contestant, samples, name } of contestants) {
  progress(`volumes with 5,000 files, ${name}`);
  for (let count = 0; count < (name === 'berth' ? 5 : 1); count += 1) {
    // The files of the volume before are removed in the background, and are not what is timed.
    await waitFor('the trash is empty', () => readdirSync(trash).length === 0, 180_000);
    await deleteFull(contestant, samples);
  }
}

for (const driver of [controller, node, other]) await driver?.end();

progress('2,000 volumes');
// A controller of its own, since pools of one config lie side by side, never one inside another.
const side = (path: string) => ({ nfs: { ...nfsPool(nas).nfs, path } });
const twoPools = await launchBerth('controller', { few: side('/few'), many: side('/many') }, enter(a));
await manyVolumes({ ...berth, controller: twoPools.client }, { few: 'few', many: 'many' }, figures.berth);
await twoPools.end();

progress('done');
process.exit(0);
