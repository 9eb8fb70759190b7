import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { keepAnnounced } from '../../../src/volumes/state/announce.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { openTree, temporaryDirectory } from '../../support/tree.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';

/** Also where it is a link that leads nowhere, as records are. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

test('a node is announced once a controller has met the pool, and again when its record is lost', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'pool');
  const record = join(path, '.berth/nodes/n1');
  const announcer = keepAnnounced({
    node: { nodeId: 'n1', maxVolumes: 0 },
    pools: new Map([['scratch', { kind: 'local', name: 'scratch', local: { path } }]]),
    stateDir: join(directory, 'state'),
    log: pino({ level: 'silent' }),
    repeatMs: 20,
    retryMs: 20,
  });
  cleanUp(t, () => announcer.end());
  await delay(50);
  assert.deepEqual(await readdir(directory), [], 'a node makes no pool');
  await mkdir(path);
  await delay(50);
  assert.deepEqual(await readdir(path), [], 'a node makes no state');
  await openTree(t, path);
  for (let loss = 0; loss < 3; loss += 1) {
    await waitFor('the node has announced itself', () => isThere(record));
    await rm(record);
  }
  await waitFor('the node has announced itself again', () => isThere(record));
});
