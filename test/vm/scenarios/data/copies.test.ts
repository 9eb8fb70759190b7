// Snapshots and what is made from them: who copies, and what becomes of it when the one or the other goes.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import type { CsiClient } from '../../../csi/client.ts';
import { refused } from '../../../csi/refused.ts';
import { capability, code } from '../../../csi/requests.ts';
import { describeTree } from '../../../support/describe-tree.ts';
import { makeEverything } from '../../../support/make-everything.ts';
import { repeatUnfinished } from '../../../support/repeat-unfinished.ts';
import {
  added,
  BerthProcess,
  b,
  c,
  type Host,
  type NfsServer,
  nas,
  nas2,
  nfsPool,
  waitFor,
} from '../../guest/bed.ts';

async function start(t: TestContext, host: Host, server: NfsServer, version: string): Promise<BerthProcess> {
  const config = { pools: { pool: nfsPool(server, [`nfsvers=${version}`]) } };
  const berth = await BerthProcess.start(host, { mode: 'controller', config });
  t.after(async () => {
    await berth.kill();
    for (const { mountPoint } of host.mountsBelow(berth.stateDir)) await host.run('umount', '-l', mountPoint);
    for (const name of readdirSync(server.export)) rmSync(`${server.export}/${name}`, { recursive: true });
  });
  return berth;
}

const create = ({ Controller }: CsiClient, name: string, source: object = {}) =>
  repeatUnfinished(() =>
    Controller.CreateVolume({ name, volume_capabilities: [capability()], capacity_range: {}, ...source }),
  );

const fromSnapshot = { volume_content_source: { snapshot: { snapshot_id: 'pool/snap' } } };

async function snapshotIsReady({ Controller }: CsiClient, volume: string): Promise<void> {
  await waitFor('the snapshot is ready', async () => {
    const asked = { name: 'snap', source_volume_id: `pool/${volume}` };
    const { snapshot } = await repeatUnfinished(() => Controller.CreateSnapshot(asked));
    return snapshot?.ready_to_use === true;
  });
}

/** What a client of NFS sees and can set of extended attributes; the others are the server's own. */
function describe(root: string, version: string): unknown {
  const ofProtocol = version === '3' ? /^system\.posix_acl/ : /^user\./;
  return Object.fromEntries(
    Object.entries(describeTree(root)).map(([name, entry]) => {
      const { attributes, mtimeNs, ...rest } = entry as {
        attributes: Record<string, string>;
        mtimeNs: bigint;
      };
      const seen = Object.entries(attributes).filter(([key]) => ofProtocol.test(key));
      // NFSv3 counts the seconds since 1970 without a sign (RFC 1813, nfstime3).
      const time = version === '3' && mtimeNs < 0n ? mtimeNs + (1n << 32n) * 1_000_000_000n : mtimeNs;
      return [name, { ...rest, time, attributes: seen }];
    }),
  );
}

for (const [what, server, version, operation] of [
  ['by shared blocks', nas, '4.2', 'CLONE'],
  ['by the server', nas2, '4.2', 'COPY'],
  ['by the controller', nas, '3', undefined],
] as const) {
  test(`a snapshot has every entry of a directory, and so has a volume from it: ${what}`, async (t) => {
    const { client, stateDir } = await start(t, c, server, version);
    await create(client, 'pvc-1');
    const source = `${server.export}/pvc-1`;
    await makeEverything(source);
    for (const name of ['one', 'two'])
      await execa`dd if=/dev/urandom of=${source}/${name} bs=1M count=2 status=none`;
    const expected = describe(source, version);
    const [mount] = c.mountsBelow(stateDir);
    assert.ok(mount);
    const before = c.operations(mount.mountPoint);
    await snapshotIsReady(client, 'pvc-1');
    await create(client, 'pvc-2', fromSnapshot);
    const sent = added(before, c.operations(mount.mountPoint));
    if (operation !== undefined) {
      // Proof that no byte of a file has crossed the network.
      assert.equal(sent.get('READ')?.count ?? 0, 0);
      assert.equal(sent.get('WRITE')?.count ?? 0, 0);
      assert.ok((sent.get(operation)?.count ?? 0) >= 4, JSON.stringify([...sent]));
    }
    assert.deepEqual(describe(`${server.export}/pvc-2`, version), expected);
  });
}

test('a copy whose server is cut off ends, and is made once that is back', async (t) => {
  const { client } = await start(t, c, nas, '3');
  await create(client, 'pvc-1');
  await execa`dd if=/dev/urandom of=${nas.export}/pvc-1/large bs=1M count=96 status=none`;
  const asked = { name: 'snap', source_volume_id: 'pool/pvc-1' };
  const first = client.Controller.CreateSnapshot(asked);
  const copies = `${nas.export}/.berth/copies`;
  await waitFor('the copy has begun', () => readdirSync(copies).some((name) => name.startsWith('+')));
  await nas.cut();
  t.after(() => nas.restore());
  await first.catch(() => {});
  await waitFor('the pool is known to be down', async () => {
    await refused(client.Controller.GetSnapshot({ snapshot_id: 'pool/snap' }), code.unavailable);
    return true;
  });
  await nas.restore();
  await waitFor('it answers again', async () => {
    await client.Controller.ListVolumes({});
    return true;
  });
  await waitFor('the snapshot is ready', async () => {
    const { snapshot } = await client.Controller.CreateSnapshot(asked);
    return snapshot?.ready_to_use === true;
  });
  const [data = ''] = readdirSync(`${nas.export}/.berth/snapshots`).filter((name) => name.startsWith('+'));
  await execa`cmp ${nas.export}/pvc-1/large ${nas.export}/.berth/snapshots/${data}/large`;
});

test('a copy whose controller is killed is made by another one, and nothing of the first is left', async (t) => {
  const one = await start(t, c, nas, '3');
  await create(one.client, 'pvc-1');
  await mkdir(`${nas.export}/pvc-1/folder`);
  await writeFile(`${nas.export}/pvc-1/folder/file`, 'content');
  await execa`dd if=/dev/urandom of=${nas.export}/pvc-1/large bs=1M count=96 status=none`;
  const asked = { name: 'snap', source_volume_id: 'pool/pvc-1' };
  const first = one.client.Controller.CreateSnapshot(asked).catch(() => {});
  const copies = `${nas.export}/.berth/copies`;
  await waitFor('the copy has begun', () => readdirSync(copies).some((name) => name.startsWith('+')));
  await one.kill();
  await first;
  const two = await start(t, b, nas, '3');
  const { entries } = await two.client.Controller.ListSnapshots({});
  assert.deepEqual(
    entries.map(({ snapshot }) => [snapshot?.snapshot_id, snapshot?.ready_to_use]),
    [['pool/snap', false]],
  );
  await snapshotIsReady(two.client, 'pvc-1');
  await create(two.client, 'pvc-2', fromSnapshot);
  await execa`diff --recursive ${nas.export}/pvc-1 ${nas.export}/pvc-2`;
  await waitFor('nothing of the first copy is left', () =>
    ['copies', 'trash'].every((name) => readdirSync(`${nas.export}/.berth/${name}`).length === 0),
  );
  assert.equal(readdirSync(`${nas.export}/.berth/snapshots`).length, 2);
});
