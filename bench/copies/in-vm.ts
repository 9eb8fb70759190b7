// Run by main.ts inside the VM: two servers, and both drivers on one node of the bed. Sends the figures after each step,
// so that what was measured is there if the VM runs out of time.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { a, type NfsServer, nas, nas2, nfsPool, waitFor } from '../../test/vm/guest/bed.ts';
import { enter, mountOf, progress, sendFigures } from '../guest.ts';
import { launchBerth, launchPeer } from '../launch.ts';
import { measureImage, measureLists } from './alone.ts';
import { contentOf, planSmallFiles } from './content.ts';
import { type CopyFigures, noServerFigures } from './figures.ts';
import { copyOptions, parseCopyOptions } from './options.ts';
import { measureCopies, warmUp } from './rounds.ts';
import type { Server, Side } from './server.ts';
import { quickSizes, usualSizes } from './sizes.ts';

const options = parseCopyOptions(parseArgs({ options: copyOptions }).values);
if (typeof options === 'string') throw new Error(options);
const { rounds } = options;
const sizes = options.quick ? quickSizes : usualSizes;
const sets = Object.entries(sizes.sets);

const figures: CopyFigures = {
  sets: Object.fromEntries(sets.map(([name, files]) => [name, contentOf(files)])),
  image: { bytes: sizes.image, data: sizes.imageData },
  snapshots: sizes.snapshots,
  servers: {},
};
process.once('exit', () => sendFigures(figures));

progress('a server with ext4');
await nas2.rebuild('ext4');
const pools = { nas: nfsPool(nas), nas2: nfsPool(nas2) };
// Both on one host: a connection to a server is the same for both.
const berth = await launchBerth('controller', pools, enter(a));
const peer = options.peer === undefined ? undefined : await launchPeer(options.peer, enter(a));

async function open(server: NfsServer, kind: string): Promise<Server> {
  const found = noServerFigures();
  figures.servers[kind] = found;
  const mountPoint = await waitFor('Berth has mounted its pool', () => mountOf(a, server));
  const sides: Side[] = [
    {
      name: 'berth',
      contestant: {
        controller: berth.client,
        node: berth.client,
        parameters: { pool: server.host.name },
        stages: true,
      },
      samples: found.berth,
    },
  ];
  if (peer !== undefined) {
    sides.push({
      name: 'peer',
      contestant: {
        controller: peer.client,
        node: peer.client,
        parameters: { server: server.address, share: '/' },
        stages: false,
      },
      samples: found.peer,
    });
  }
  return {
    root: server.export,
    sides,
    operations: found.operations,
    settle: async () => {
      await execa`sync`;
      // The disk is a file in memory, which many rounds would fill: what is free in it is given back where that can be.
      await server.host.status('fstrim', '/srv/export');
      writeFileSync('/proc/sys/vm/drop_caches', '3');
    },
    sent: () => a.operations(mountPoint),
  };
}

for (const [kind, nfsServer] of [
  ['xfs with reflink', nas],
  ['ext4', nas2],
] as const) {
  const onServer = (what: string): void => {
    progress(`${kind}: ${what}`);
    sendFigures(figures);
  };
  const server = await open(nfsServer, kind);
  onServer('warm-up');
  const gone = await warmUp(server, planSmallFiles(20));
  for (const [name, files] of sets) {
    await measureCopies(server, { name, files }, gone, { rounds, progress: onServer });
  }
  onServer('image');
  await measureImage(server, gone, { bytes: sizes.image, data: sizes.imageData, rounds });
  onServer('lists');
  await measureLists(server, gone, sizes.snapshots);
}

for (const driver of [berth, peer]) await driver?.end();
progress('done');
process.exit(0);
