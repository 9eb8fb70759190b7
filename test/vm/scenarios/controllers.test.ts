// Two controllers on one export: each sidecar elects its own leader, so that any two calls may meet.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { CsiClient } from '../../csi/client.ts';
import { capability } from '../../csi/requests.ts';
import { repeatUnfinished } from '../../support/repeat-unfinished.ts';
import { a, BerthProcess, b, c, type Host, nas, nfsPool, waitFor } from '../guest/bed.ts';
import { left } from '../guest/cluster.ts';

const rounds = 10;

/** Controllers on hosts c and b, and node plugins that have announced themselves, on NFSv4.2. */
async function start(t: TestContext): Promise<readonly [CsiClient['Controller'], CsiClient['Controller']]> {
  const config = { pools: { nas: nfsPool(nas) } };
  const started: { host: Host; berth: BerthProcess }[] = [];
  t.after(async () => {
    for (const { host, berth } of started) {
      await berth.kill();
      for (const { mountPoint } of host.mountsBelow(berth.stateDir))
        await host.run('umount', '-l', mountPoint);
    }
  });
  for (const [host, mode] of [
    [c, 'controller'],
    [b, 'controller'],
    [a, 'node'],
    [b, 'node'],
  ] as const) {
    started.push({ host, berth: await BerthProcess.start(host, { mode, config }) });
  }
  await waitFor('both nodes have announced themselves', () =>
    ['a', 'b'].every((name) => readdirSync(`${nas.export}/.berth/nodes`).includes(name)),
  );
  const [one, two] = started.map(({ berth }) => berth.client.Controller);
  assert.ok(one && two);
  return [one, two];
}

const worked = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    () => false,
  );

const create = (csi: CsiClient['Controller'], name: string) =>
  csi.CreateVolume({
    name,
    volume_capabilities: [capability('SINGLE_NODE_MULTI_WRITER')],
    capacity_range: { required_bytes: '1' },
  });

const attach = (csi: CsiClient['Controller'], name: string, node: string) =>
  csi.ControllerPublishVolume({
    volume_id: `nas/${name}`,
    node_id: node,
    volume_capability: capability('SINGLE_NODE_MULTI_WRITER'),
  });

test('of two that attach one volume at once, one does, and a deletion never meets an attachment', async (t) => {
  const [one, two] = await start(t);
  for (let round = 0; round < rounds; round += 1) {
    const name = `v${round}`;
    await create(round % 2 === 0 ? one : two, name);
    const attached = await Promise.all([worked(attach(one, name, 'a')), worked(attach(two, name, 'b'))]);
    assert.deepEqual(attached.sort(), [false, true], `round ${round}`);
    await repeatUnfinished(() => one.ControllerUnpublishVolume({ volume_id: `nas/${name}` }));

    const [deleted, again] = await Promise.all([
      worked(one.DeleteVolume({ volume_id: `nas/${name}` })),
      worked(attach(two, name, 'b')),
    ]);
    assert.ok(!(deleted && again), `round ${round}: deleted and attached`);
    assert.equal(existsSync(`${nas.export}/${name}`), !deleted);
    await repeatUnfinished(() => two.ControllerUnpublishVolume({ volume_id: `nas/${name}` }));
    await repeatUnfinished(() => two.DeleteVolume({ volume_id: `nas/${name}` }));
    assert.ok(!existsSync(`${nas.export}/${name}`));
  }
  await waitFor('nothing is left', () => left(/\bv\d+\b/).length === 0);
});

test('what one has changed is what the other goes by at once', async (t) => {
  const [one, two] = await start(t);
  for (let round = 0; round < rounds; round += 1) {
    const name = `w${round}`;
    const id = `nas/${name}`;
    await create(one, name);
    // Both have the record in their caches now.
    await Promise.all([one, two].map((csi) => csi.ControllerGetVolume({ volume_id: id })));
    const sizes = [4096, 8192];
    await Promise.all(
      [one, two].map((csi, index) =>
        repeatUnfinished(() =>
          csi.ControllerExpandVolume({
            volume_id: id,
            capacity_range: { required_bytes: String(sizes[index]) },
          }),
        ),
      ),
    );
    await two.ControllerModifyVolume({ volume_id: id, mutable_parameters: { onDelete: 'retain' } });
    const { size, onDelete } = JSON.parse(readlinkSync(`${nas.export}/.berth/volumes/${name}`));
    assert.deepEqual({ size, onDelete }, { size: '8192', onDelete: 'retain' }, 'no change is lost');
    await one.DeleteVolume({ volume_id: id });
    assert.ok(existsSync(`${nas.export}/${name}`), `round ${round}: retained, as the other was told`);
    await nas.host.run('rmdir', `/srv/export/${name}`);
  }
});
