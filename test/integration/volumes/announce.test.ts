import { lstatSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { keepAnnounced } from '../../../src/volumes/announce.ts';
import { temporaryDirectory } from '../../support/tree.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';

/** Also where it is a link that leads nowhere, as records are. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

test('a node whose record is lost, or could not be left at first, is announced again', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'pool');
  const record = join(path, '.berth/nodes/n1');
  // What is in the way of the pool's directory makes the first attempts fail.
  await writeFile(path, '');
  const end = keepAnnounced({
    node: { nodeId: 'n1', maxVolumes: 0 },
    pools: new Map([['scratch', { kind: 'local', name: 'scratch', local: { path } }]]),
    stateDir: join(directory, 'state'),
    log: pino({ level: 'silent' }),
    repeatMs: 20,
    retryMs: 20,
  });
  await delay(50);
  await rm(path);
  for (let loss = 0; loss < 3; loss += 1) {
    await waitFor('the node is announced', () => isThere(record));
    await rm(path, { recursive: true });
  }
  await waitFor('the node is announced', () => isThere(record));
  await end();
});
