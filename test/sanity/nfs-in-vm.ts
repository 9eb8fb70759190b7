// Run by nfs.test.ts inside the VM: csi-sanity against `berth all` on node a.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { a, BerthProcess, nas, nfsPool } from '../vm/guest/bed.ts';
import { attachLimit, runSanity } from './run-sanity.ts';

for (const version of ['4.2', '3']) {
  test(`csi-sanity passes on NFSv${version}`, async () => {
    // The list specs count all volumes: they get a pool that nothing else has used.
    for (const name of await readdir(nas.export)) rmSync(`${nas.export}/${name}`, { recursive: true });
    const berth = await BerthProcess.start(a, {
      mode: 'all',
      config: { pools: { nas: nfsPool(nas, [`nfsvers=${version}`]) } },
      flags: ['--max-volumes-per-node', String(attachLimit)],
    });
    try {
      await runSanity({
        what: `on NFSv${version}`,
        socket: berth.socket,
        prefix: ['nsenter', '--target', String(a.pid), '--net', '--mount', '--uts', '--'],
      });
    } finally {
      assert.equal(await berth.stop(), 0, berth.output.slice(-5_000));
    }
    assert.deepEqual(
      a
        .mounts()
        .filter(({ fsType, mountPoint }) => fsType.startsWith('nfs') && mountPoint !== '/proc/fs/nfsd'),
      [],
    );
  });
}
