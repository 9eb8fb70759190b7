// Run by nfs.test.ts inside the VM: csi-sanity against `berth all` on node a.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { a, BerthProcess, nas, nfsPool } from '../vm/guest/bed.ts';
import { attachLimit, leftOn, runSanity } from './run-sanity.ts';

for (const [version, kind] of [
  ['4.2', 'directories'],
  ['4.2', 'ext4'],
  ['4.2', 'raw'],
  ['3', 'directories'],
  ['3', 'ext4'],
  ['3', 'raw'],
] as const) {
  test(`csi-sanity passes on NFSv${version}, ${kind}`, async () => {
    // The list specs count all volumes: they get a pool that nothing else has used.
    for (const name of await readdir(nas.export)) rmSync(`${nas.export}/${name}`, { recursive: true });
    const berth = await BerthProcess.start(a, {
      mode: 'all',
      config: { pools: { nas: nfsPool(nas, [`nfsvers=${version}`]) } },
      flags: ['--max-volumes-per-node', String(attachLimit)],
    });
    try {
      await runSanity({
        kind,
        what: `on NFSv${version}`,
        socket: berth.socket,
        // NFSv3 does not tell where a file has data: ten gibibytes that are none would be read for each copy.
        ...(version === '3' ? { volumeBytes: 64 * 1024 * 1024 } : {}),
        prefix: ['nsenter', '--target', String(a.pid), '--net', '--mount', '--uts', '--'],
      });
    } finally {
      assert.equal(await berth.stop(), 0, berth.output.slice(-5_000));
    }
    assert.deepEqual(await leftOn(nas.export), [], 'records are left');
    const loops = await a.run('losetup', '--list', '--noheadings', '--output', 'BACK-FILE');
    assert.ok(!loops.includes(berth.stateDir), `loop devices are left: ${loops}`);
    assert.deepEqual(
      a
        .mounts()
        .filter(({ fsType, mountPoint }) => fsType.startsWith('nfs') && mountPoint !== '/proc/fs/nfsd'),
      [],
    );
  });
}
