// What the bench of copies does in the VM, on a pool of this machine.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { measureImage, measureLists } from '../../../bench/copies/alone.ts';
import { planLargeFiles, planSmallFiles } from '../../../bench/copies/content.ts';
import { measureCopies, warmUp } from '../../../bench/copies/rounds.ts';
import type { Server, Side } from '../../../bench/copies/server.ts';
import { makeMachine } from '../../support/driver.ts';

test('the bench of copies times each of them as often as it is told, and leaves its lists only', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const contestant = { controller: csi, node: csi, parameters: { pool: 'scratch' }, stages: true };
  const side: Side = { name: 'berth', contestant, samples: {} };
  const server: Server = {
    root: machine.pool,
    sides: [side],
    operations: {},
    settle: async () => {},
    sent: () => new Map(),
  };
  const options = { rounds: 2, progress: () => {} };
  const gone = await warmUp(server, planSmallFiles(3));
  await measureCopies(
    server,
    { name: 'set', files: [...planSmallFiles(60), ...planLargeFiles(1, 2_500_000)] },
    gone,
    options,
  );
  await measureImage(server, gone, { bytes: 16 << 20, data: 4 << 20, rounds: 1 });
  assert.deepEqual(await readdir(machine.pool), ['.berth']);
  await measureLists(server, gone, 7);

  const counts = Object.entries(side.samples).map(([what, samples]) => [what, samples.length]);
  assert.deepEqual(Object.fromEntries(counts), {
    ...Object.fromEntries(
      ['snapshot', 'restore', 'clone', 'delete', 'removed'].map((operation) => [`set: ${operation}`, 2]),
    ),
    'image: snapshot': 1,
    'list: first': 1,
    'list: whole': 10,
    'list: by id': 10,
  });
  const snapshots = await readdir(join(machine.pool, '.berth/snapshots'));
  assert.equal(snapshots.length, 2 * 7, 'a record and a directory of each');
});
