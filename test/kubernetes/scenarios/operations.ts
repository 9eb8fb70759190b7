import assert from 'node:assert/strict';
import { join } from 'node:path';
import { checkout } from '../../vm/vm.ts';
import { nodeNames } from '../bed/addresses.ts';
import { assertNoneMissing, counting } from '../bed/counting.ts';
import { installBerth } from '../bed/install.ts';
import { claim, list, pod } from '../bed/objects.ts';
import { release } from '../bed/release.ts';
import { scenario } from '../bed/scenario.ts';

/**
 * Writes blocks with checksums and reads all of them back, again and again, on each volume; an error ends it. So few in
 * a second that an emulated machine has time for the rest.
 */
const verify = `
  check() {
    what=$1
    rounds=0
    shift
    while [ ! -e /data/stop ]; do
      fio --name=blocks "$@" --rw=randwrite --bs=4k --size=4M --direct=1 --rate_iops=100 \\
        --verify=crc32c --do_verify=1 --verify_fatal=1 --output-format=terse || exit 1
      rounds=$((rounds + 1))
    done
    echo "$what: $rounds rounds"
  }
  check directory --directory=/data & directory=$!
  check ext4 --directory=/ext4 & ext4=$!
  check xfs --directory=/xfs & xfs=$!
  check raw --filename=/dev/data & raw=$!
  wait $directory && wait $ext4 && wait $xfs && wait $raw
`;

/** Reads the device past every cache, again and again; an error ends it. */
const readDevice =
  'while dd if=/dev/data of=/dev/null bs=1M count=4 iflag=direct status=none; do sleep 1; done';

/** What the doctor says with `--json`, as far as it is looked at here. */
interface Report {
  readonly checks: readonly {
    readonly pool: string | null;
    readonly check: string;
    readonly verdict: string;
  }[];
}

/** Checks that a report must have: one without them says nothing. */
const expected = {
  everywhere: [
    ...['user', 'kernel-nfs', 'mount-helpers', 'network', 'driver'].map((name) => `machine ${name}`),
    ...['reachable', 'export', 'protocol', 'space', 'round-trip', 'write', 'owners', 'clone', 'locks'].map(
      (name) => `nas ${name}`,
    ),
  ],
  onNodes: ['loop-devices', 'propagation', 'registration'].map((name) => `machine ${name}`),
};

export const plainManifests = scenario(
  'the API server takes the plain manifests, through kustomize',
  async (s) => {
    // Over what the chart has installed: the names are the same, and a dry run changes nothing.
    const manifests = join(checkout, 'deploy', 'kubernetes');
    const made = await s.kubectl.run([
      'apply',
      '--kustomize',
      manifests,
      '--dry-run=server',
      '--output=name',
    ]);
    const kinds = made.split('\n').map((line) => line.split('/')[0]);
    for (const kind of ['statefulset.apps', 'daemonset.apps', 'configmap', 'csidriver.storage.k8s.io']) {
      assert.ok(kinds.includes(kind), `${kind} in ${made}`);
    }
  },
);

export const doctor = scenario(
  'the doctor finds nothing wrong, in the controller and on a node',
  async (s) => {
    for (const where of [`${release.name}-controller-0`, `daemonset/${release.name}-node`]) {
      const doctor = ['berth', 'doctor', '--json', '--timeout', '60'];
      const exec = ['-n', release.namespace, 'exec', where, '-c', 'berth', '--', ...doctor];
      const report = JSON.parse(await s.kubectl.run(exec)) as Report;
      assert.deepEqual(
        report.checks.filter(({ verdict }) => verdict !== 'ok'),
        [],
        where,
      );
      const checked = new Set(report.checks.map(({ check, pool }) => `${pool ?? 'machine'} ${check}`));
      const missing = [...expected.everywhere, ...(where.startsWith('daemonset') ? expected.onNodes : [])];
      assert.deepEqual(
        missing.filter((check) => !checked.has(check)),
        [],
        where,
      );
    }
  },
);

export const pluginRestarts = scenario(
  'a pod that writes to each kind of volume does not notice ten restarts of its node’s plugin',
  async (s) => {
    const image = 'localhost/fio:1';
    const block = { storageClassName: 'berth-block', accessMode: 'ReadWriteOnce', storage: '64Mi' } as const;
    const xfsClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'xfs' },
      provisioner: 'csi.berth.dev',
      parameters: { pool: 'nas', 'csi.storage.k8s.io/fstype': 'xfs' },
    };
    await s.apply(
      list(
        xfsClass,
        claim('fio'),
        claim('ext4', block),
        // xfs is not made smaller than 300 MiB.
        claim('xfs', { ...block, storageClassName: 'xfs', storage: '320Mi' }),
        claim('raw', { ...block, volumeMode: 'Block' }),
        pod('fio', {
          claimName: 'fio',
          mounts: { ext4: 'ext4', xfs: 'xfs' },
          deviceClaim: 'raw',
          script: verify,
          image,
          once: true,
        }),
      ),
    );
    await s.ready('fio');
    const node = await s.nodeOf('fio');
    // Read-only beside the writer it has a loop device over that one's.
    const readRaw = { deviceClaim: 'raw', readOnly: true, node, script: readDevice };
    await s.apply(list(pod('reader', readRaw)));
    await s.ready('reader');
    const where = ['-n', release.namespace];
    const plugin = ['-l', 'app.kubernetes.io/component=node', '--field-selector', `spec.nodeName=${node}`];
    const pods = [...where, 'pods', ...plugin];
    const state =
      '{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}={.status.containerStatuses[0].ready} {end}';
    for (let restart = 1; restart <= 10; restart += 1) {
      const old = (await s.kubectl.value(pods, state)).split('=')[0];
      if (restart % 2 === 1) await s.kubectl.run([...where, 'delete', 'pods', ...plugin, '--wait=false']);
      else await s.cluster.nodes[node].run("pkill -KILL -f 'start[.]cjs node'");
      await s.kubectl.until(pods, state, new RegExp(`^(?!${old}=)\\S+ \\d+=true $`));
    }
    // Pods start on the same volumes: the plugin found all as it was.
    await s.apply(list(pod('second', { claimName: 'fio', node }), pod('further-reader', readRaw)));
    await s.ready('second');
    await s.ready('further-reader');
    const loops = await s.cluster.nodes[node].run('losetup --list --noheadings --output RO,BACK-FILE');
    // The path lacks /dev where the container is gone that made it.
    const readers = loops.match(/^ *1 +(\/dev)?\/loop\d+$/gm) ?? [];
    assert.equal(readers.length, 1, `one loop device for all who read: ${loops}`);
    for (const name of ['reader', 'further-reader'])
      assert.equal(await s.value(['pod', name], '{.status.containerStatuses[0].restartCount}'), '0');
    await s.exec('second', 'touch /data/stop');
    await s.until(['pod', 'fio'], '{.status.phase}', /Succeeded|Failed/);
    const report = await s.run(['logs', 'fio']);
    assert.equal(await s.value(['pod', 'fio'], '{.status.phase}'), 'Succeeded', report);
    for (const what of ['directory', 'ext4', 'xfs', 'raw']) {
      const [, rounds] = new RegExp(`^${what}: (\\d+) rounds$`, 'm').exec(report) ?? [];
      assert.ok(Number(rounds) > 1, report);
    }
  },
);

export const upgrade = scenario(
  'an upgrade to changed values replaces the driver’s pods under a volume in use',
  async (s) => {
    await s.apply(
      list(claim('counter'), pod('counter', { claimName: 'counter', script: counting('numbers', 0.2) })),
    );
    await s.ready('counter');
    const where = ['-n', release.namespace];
    const uids = async () => s.kubectl.value([...where, 'pods'], '{.items[*].metadata.uid}');
    const before = (await uids()).split(' ');
    await installBerth(s.cluster, [
      'logLevel=debug',
      'node.podLabels.generation=second',
      'controller.podLabels.generation=second',
      'node.maxVolumes=20',
      'devices[0]=/dev/disk/by-id/wwn-*',
    ]);
    await s.cluster.berthReady();
    const after = (await uids()).split(' ');
    assert.deepEqual(
      after.filter((uid) => before.includes(uid)),
      [],
      'every pod was replaced',
    );
    // kubelet has asked anew what a node may have.
    for (const node of nodeNames) {
      const limit = '{.spec.drivers[?(@.name=="csi.berth.dev")].allocatable.count}';
      await s.until(['csinode', node], limit, '20');
    }
    const reached = Number(await s.exec('counter', 'tail -n 1 /data/numbers'));
    await s.exec('counter', `until [ "$(tail -n 1 /data/numbers)" -gt ${reached} ]; do sleep 0.2; done`);
    assert.equal(await s.value(['pod', 'counter'], '{.status.containerStatuses[0].restartCount}'), '0');
    // The new pods serve: a second pod starts on the volume that the old ones mounted.
    await s.apply(list(pod('second', { claimName: 'counter', script: counting('more', 0.2) })));
    await s.ready('second');
    assertNoneMissing(await s.exec('counter', 'cat /data/numbers'));
  },
);
