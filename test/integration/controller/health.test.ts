import assert from 'node:assert/strict';
import { mkdir, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Budget } from '../../../src/controller/budget.ts';
import { controllerListVolumeHealth } from '../../../src/controller/list-volume-health.ts';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { Stores } from '../../../src/volumes/stores.ts';
import type { CsiClient } from '../../csi/client.ts';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { deadPool, withPools } from './local-pools.ts';

interface Health {
  readonly volume_id: string;
  readonly health_statuses: readonly { readonly status: unknown; readonly reason: string }[];
}

function inShort({ volume_id, health_statuses }: Health): string {
  return [volume_id, ...health_statuses.map(({ status, reason }) => `${status} ${reason}`)].join(' ');
}

async function listed(csi: CsiClient): Promise<string[]> {
  return (await csi.Controller.ControllerListVolumeHealth({})).entries.map(inShort);
}

async function healthOf(csi: CsiClient, volume_id: string): Promise<string> {
  const { volume_health } = await csi.Controller.ControllerGetVolumeHealth({ volume_id });
  assert.ok(volume_health);
  return inShort(volume_health);
}

test('a pool that dies makes its own volumes inaccessible, and hides nothing of the others', async (t) => {
  const machine = await makeMachine(t);
  const filesystem = await loopFilesystem(t, 'xfs');
  const flags = await withPools(machine, { dying: filesystem.path, scratch: machine.pool });
  const { csi } = await machine.start({ flags });
  for (const pool of ['dying', 'scratch']) {
    for (const name of ['a', 'b']) await csi.Controller.CreateVolume(request(`${pool}-${name}`, { pool }));
  }
  await mkdir(join(filesystem.path, 'legacy'));
  await csi.Controller.ControllerPublishVolume({
    volume_id: 'by-hand',
    node_id: 'node-1',
    volume_capability: capability(),
    volume_context: { pool: 'dying', subDir: 'legacy' },
  });
  await rmdir(join(machine.pool, 'scratch-b'));
  const before = ['scratch/scratch-b DATA_LOSS DirectoryGone'];
  assert.deepEqual(await listed(csi), before);

  await filesystem.shutDown();
  const ill = ['dying/dying-a', 'dying/dying-b', 'by-hand'].map((id) => `${id} INACCESSIBLE PoolUnavailable`);
  assert.deepEqual((await listed(csi)).sort(), [...ill, ...before].sort());
  for (const line of ill) assert.equal(await healthOf(csi, line.split(' ')[0] ?? ''), line);
  const { entries } = await csi.Controller.ControllerListVolumeHealth({ max_entries: 1 });
  assert.match(entries[0]?.health_statuses[0]?.message ?? '', /The pool dying/);
});

test('a pool that never came up fails no list, and leaves open whether it has a static volume', async (t) => {
  const machine = await makeMachine(t);
  const dead = await deadPool(machine, 'dead');
  const flags = await withPools(machine, { dead: dead.path, scratch: machine.pool });
  const { csi } = await machine.start({ flags });
  await csi.Controller.CreateVolume(request('pvc-1', { pool: 'scratch' }));
  await rmdir(join(machine.pool, 'pvc-1'));
  assert.deepEqual(await listed(csi), ['scratch/pvc-1 DATA_LOSS DirectoryGone']);
  assert.equal(await healthOf(csi, 'dead/pvc-1'), 'dead/pvc-1 INACCESSIBLE PoolUnavailable');
  const somewhere = () => csi.Controller.ControllerGetVolumeHealth({ volume_id: 'somewhere' });
  assert.match(await refused(somewhere(), code.unavailable), /The pool dead/);
  await dead.repair();
  await waitFor('the pool is back', () => csi.Controller.ListVolumes({}));
  await refused(somewhere(), code.notFound);
});

test('a static volume has a health while it is attached, by its handle', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const other = await machine.start({ mode: 'controller', name: 'other' });
  for (const handle of ['by-hand', 'scratch/by-hand']) {
    await mkdir(join(machine.pool, 'legacy'));
    await refused(healthOf(csi, handle), code.notFound);
    await csi.Controller.ControllerPublishVolume({
      volume_id: handle,
      node_id: 'node-1',
      volume_capability: capability(),
      volume_context: { pool: 'scratch', subDir: 'legacy' },
    });
    for (const controller of [csi, other.csi]) assert.equal(await healthOf(controller, handle), handle);
    await rmdir(join(machine.pool, 'legacy'));
    for (const controller of [csi, other.csi]) {
      assert.equal(await healthOf(controller, handle), `${handle} DATA_LOSS DirectoryGone`);
      assert.deepEqual(await listed(controller), [`${handle} DATA_LOSS DirectoryGone`]);
    }
    await csi.Controller.ControllerUnpublishVolume({ volume_id: handle, node_id: 'node-1' });
    for (const controller of [csi, other.csi]) await refused(healthOf(controller, handle), code.notFound);
  }
});

test('a directory that a link or a file has taken the place of cannot be read', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const name of ['file', 'link', 'parent']) {
    await csi.Controller.CreateVolume(request(name, { subDir: `${name}/data` }));
  }
  const at = (...path: string[]) => join(machine.pool, ...path);
  await rmdir(at('file/data'));
  await writeFile(at('file/data'), '');
  await rename(at('link/data'), at('link/moved'));
  await symlink('moved', at('link/data'));
  await rename(at('parent'), at('moved'));
  await symlink('moved', at('parent'));
  const ill = ['file', 'link', 'parent'].map((name) => `scratch/${name} INACCESSIBLE DirectoryUnreadable`);
  assert.deepEqual(await listed(csi), ill);
  for (const line of ill) assert.equal(await healthOf(csi, line.split(' ')[0] ?? ''), line);
  await rm(at('parent'));
  await rename(at('moved'), at('parent'));
  assert.deepEqual(await listed(csi), ill.slice(0, 2));
});

test('what another controller has made of a volume meanwhile is not taken from memory', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const other = await machine.start({ mode: 'controller', name: 'other' });
  await csi.Controller.CreateVolume(request('pvc-1', { subDir: 'old' }));
  await other.csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-1' });
  await other.csi.Controller.CreateVolume(request('pvc-1', { subDir: 'new' }));
  assert.deepEqual(await listed(csi), []);
  await rmdir(join(machine.pool, 'new'));
  assert.deepEqual(await listed(csi), ['scratch/pvc-1 DATA_LOSS DirectoryGone']);
});

/** A budget that is spent after some answers. */
function answers(count: number): Budget {
  let left = count;
  return {
    async within(work) {
      left -= 1;
      return left < 0 ? undefined : work;
    },
  };
}

test('a list that runs out of time goes on where it stopped, and tells each ill volume once', async (t) => {
  const machine = await makeMachine(t);
  const { csi, end } = await machine.start();
  const names = Array.from({ length: 40 }, (_, index) => `pvc-${10 + index}`);
  for (const name of names) await csi.Controller.CreateVolume(request(name));
  const ill = names.filter((_, index) => index % 3 === 0);
  for (const name of ill) await rmdir(join(machine.pool, name));
  await end('SIGTERM');
  const stores = new Stores({
    pools: new Map([
      // Comes first, and has no volumes.
      ['empty', { kind: 'local', name: 'empty', local: { path: join(machine.directory, 'empty') } }],
      ['scratch', { kind: 'local', name: 'scratch', local: { path: machine.pool } }],
    ]),
    stateDir: join(machine.directory, 'state'),
    busy: () => false,
    log: pino({ level: 'silent' }),
  });
  stores.start();
  cleanUp(t, () => stores.stop());
  const list = (starting_token: string, budget: Budget, max_entries = 0) =>
    controllerListVolumeHealth({ stores }, { max_entries, starting_token, secrets: {} }, budget);
  for (const count of [3, 7, 1_000]) {
    for (const maximum of [0, 2]) {
      const told: (string | undefined)[] = [];
      let token = '';
      do {
        const { entries = [], next_token = '' } = await list(token, answers(count), maximum);
        if (maximum > 0) assert.ok(entries.length <= maximum);
        if (next_token !== '') assert.ok(next_token > token, 'every page gets on');
        told.push(...entries.map(({ volume_id }) => volume_id));
        token = next_token;
      } while (token !== '');
      assert.deepEqual(
        told,
        ill.map((name) => `scratch/${name}`),
        `${count} answers, pages of ${maximum}`,
      );
    }
  }
  await assert.rejects(list('', answers(0)), (error) => {
    assert.ok(error instanceof CsiError);
    assert.equal(error.code, code.unavailable);
    assert.match(error.message, /The pool empty has not answered/);
    return true;
  });
});
