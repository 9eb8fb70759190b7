// The controller with the capabilities that the manifests give it, and no more. Of local pools: test/deploy.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { manifestFile } from '../../../scripts/manifests/render.ts';
import type { CsiClient } from '../../csi/client.ts';
import { request } from '../../csi/requests.ts';
import { containerOf, objectsOf, theOnly, type Workload } from '../../deploy/helm.ts';
import { capabilityCount, cappedTo } from '../../support/capabilities.ts';
import { makeEverything } from '../../support/make-everything.ts';
import { repeatUnfinished } from '../../support/repeat-unfinished.ts';
import { BerthProcess, c, nas, waitFor } from '../guest/bed.ts';

function capabilities(): readonly string[] {
  const controller = theOnly<Workload>(objectsOf(readFileSync(manifestFile, 'utf8')), 'StatefulSet');
  return containerOf(controller, 'berth').securityContext?.capabilities?.add ?? [];
}

/** A controller on a directory of the first server that belongs to a user, with the sticky bit, as /tmp has it. */
async function start(t: TestContext, version: string) {
  const tree = join(nas.export, `capped-${version}`);
  mkdirSync(tree);
  chownSync(tree, 1000, 1000);
  chmodSync(tree, 0o1777);
  t.after(() => rmSync(tree, { recursive: true }));
  const pool = {
    nfs: { server: nas.address, path: `/capped-${version}`, mountOptions: [`nfsvers=${version}`] },
  };
  const add = capabilities();
  const berth = await BerthProcess.start(c, {
    mode: 'controller',
    config: { pools: { nas: pool } },
    prefix: cappedTo(add),
  });
  t.after(async () => {
    assert.equal(await berth.stop(), 0, berth.output.slice(-3_000));
    assert.deepEqual(c.mountsBelow(berth.stateDir), []);
  });
  assert.equal(capabilityCount(berth.pid), add.length);
  return { tree, Controller: berth.client.Controller };
}

/** A snapshot of the volume, and a volume from it. */
async function takeCopies(controller: CsiClient['Controller']): Promise<void> {
  await waitFor('the snapshot is ready', async () => {
    const asked = { name: 'snap', source_volume_id: 'nas/pvc-1' };
    return (await controller.CreateSnapshot(asked)).snapshot?.ready_to_use === true;
  });
  const source = { volume_content_source: { snapshot: { snapshot_id: 'nas/snap' } } };
  await repeatUnfinished(() => controller.CreateVolume({ ...request('restored'), ...source }));
}

const namesIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'latin1' }).map(String).sort();

for (const version of ['4.2', '3']) {
  test(`the controller's capabilities are enough on NFSv${version}`, async (t) => {
    const { tree, Controller } = await start(t, version);
    const owned = { mode: '2750', uid: '1000', gid: '2000', subDir: 'team/a' };
    await waitFor('the pool is mounted', () =>
      Controller.CreateVolume(request('pvc-1', owned)).then(() => true),
    );
    const { uid, gid, mode } = statSync(join(tree, 'team/a'));
    assert.deepEqual([uid, gid, mode & 0o7777], [1000, 2000, 0o2750]);

    // What a pod leaves behind: directories of another user that nobody else may enter.
    const inner = join(tree, 'team/a/private');
    mkdirSync(join(inner, 'deeper'), { recursive: true });
    writeFileSync(join(inner, 'deeper/file'), 'x');
    for (const directory of [join(inner, 'deeper'), inner]) {
      chownSync(directory, 1000, 2000);
      chmodSync(directory, 0o700);
    }
    // Every kind of entry, some of it that user's.
    await makeEverything(inner);
    await takeCopies(Controller);
    const [data = ''] = readdirSync(join(tree, '.berth/snapshots')).filter((name) => name.startsWith('+'));
    for (const copy of ['restored', `.berth/snapshots/${data}`]) {
      assert.deepEqual(namesIn(join(tree, copy)), namesIn(join(tree, 'team/a')));
    }
    const { uid: owner, mode: bits } = statSync(join(tree, 'restored/private'));
    assert.deepEqual([owner, bits & 0o7777], [1000, 0o700]);
    await Controller.DeleteSnapshot({ snapshot_id: 'nas/snap' });
    await Controller.DeleteVolume({ volume_id: 'nas/restored' });

    await Controller.ControllerExpandVolume({
      volume_id: 'nas/pvc-1',
      capacity_range: { required_bytes: '4096' },
    });
    await Controller.DeleteVolume({ volume_id: 'nas/pvc-1' });
    const state = join(tree, '.berth');
    await waitFor('the trash is empty', () => readdirSync(join(state, 'trash')).length === 0);

    // A user's volume in a sticky directory of somebody else.
    await Controller.CreateVolume(request('pvc-2', { uid: '2000', onDelete: 'archive' }));
    await Controller.DeleteVolume({ volume_id: 'nas/pvc-2' });
    assert.equal(readdirSync(join(state, 'archive')).length, 2);
    assert.deepEqual(readdirSync(tree).sort(), ['.berth', 'team']);
  });
}
