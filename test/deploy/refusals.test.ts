import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireGoTool } from '../setup/go-tools.ts';
import { template, twoValues } from './helm.ts';

/** What a user may get wrong, and the sentence that tells what to do. */
const refusals: readonly {
  readonly what: string;
  readonly flags: readonly string[];
  readonly says: RegExp;
}[] = [
  { what: 'no storage', flags: [], says: /where your storage is: set .* --set nfs\.server=/ },
  { what: 'no path', flags: ['--set', 'nfs.server=a'], says: /nfs\.server is set and nfs\.path is not/ },
  { what: 'no server', flags: ['--set', 'nfs.path=/a'], says: /nfs\.path is set and nfs\.server is not/ },
  {
    what: 'the pool nas twice',
    flags: [...twoValues, '--set', 'pools.nas.nfs.server=a', '--set', 'pools.nas.nfs.path=/b'],
    says: /keep one of them/,
  },
  {
    what: 'a local pool on many machines',
    flags: ['--set', 'pools.disk.local.path=/srv/disk'],
    says: /The pool `disk` is local, a directory of one machine.*set singleNode to the name of the node/,
  },
  {
    what: 'a share whose volumes each node would have for itself',
    flags: [...twoValues, '--set', 'perNode=true'],
    says: /The pool `nas` is a share, and with perNode each node has pools of its own/,
  },
  {
    what: 'every node, and one alone',
    flags: ['--set', 'perNode=true', '--set', 'singleNode=box', '--set', 'pools.disk.local.path=/srv/disk'],
    says: /perNode runs Berth on every node, and singleNode on one: set one of them/,
  },
  {
    what: 'snapshots of what each node has for itself',
    flags: [
      ...['--set', 'perNode=true', '--set', 'pools.disk.local.path=/srv/disk'],
      ...['--set', 'snapshots.enabled=true'],
    ],
    says: /snapshots\.enabled is true, and with perNode there are none/,
  },
  {
    what: 'two controllers on one node',
    flags: [...twoValues, '--set', 'singleNode=box', '--set', 'controller.replicas=2'],
    says: /singleNode runs Berth on one node, and controller\.replicas is more than 1/,
  },
  {
    what: 'a class of a pool that is not there',
    flags: [...twoValues, '--set', 'storageClasses.berth.pool=tape'],
    says: /storageClasses\.berth\.pool is `tape`.*expected one of nas/,
  },
  {
    what: 'a class that could mean several pools',
    flags: ['a', 'b'].flatMap((name) => [
      ...['--set', `pools.${name}.nfs.server=${name}`, '--set', `pools.${name}.nfs.path=/x`],
    ]),
    says: /storageClasses\.berth names no pool, and there are several.*one of a, b/,
  },
  {
    what: 'a pool among the parameters',
    flags: [...twoValues, '--set', 'storageClasses.berth.parameters.pool=nas'],
    says: /write the pool to storageClasses\.berth\.pool/,
  },
  {
    what: 'two default classes',
    flags: [...twoValues, '--set', 'storageClasses.other.default=true'],
    says: /berth, other are all `default: true`/,
  },
  {
    what: 'two default classes of snapshots',
    flags: [
      ...twoValues,
      ...['--set', 'snapshots.enabled=true', '--set', 'snapshots.classes.other.default=true'],
    ],
    says: /berth, other are all `default: true`, and a driver has one default VolumeSnapshotClass/,
  },
  {
    what: 'a snapshot controller without the kinds of snapshots',
    flags: [...twoValues, '--set', 'snapshots.controller.enabled=true'],
    says: /needs the CRDs of snapshots in the cluster/,
  },
  {
    what: 'metrics that nobody can reach',
    flags: [...twoValues, '--set', 'metrics.podMonitor.enabled=true'],
    says: /--set metrics\.address= /,
  },
  {
    what: 'metrics that nobody can reach, on IPv6',
    flags: [
      ...twoValues,
      '--set',
      'metrics.podMonitor.enabled=true',
      '--set-string',
      'metrics.address=\\[::1\\]',
    ],
    says: /metrics\.address is \[::1\]: set it to ""/,
  },
  ...['nas:/srv', 'nfs://nas', 'nas 2', 'fe80::1%eth0'].map((server) => ({
    what: `the server ${server}`,
    flags: ['--set', `nfs.server=${server}`, '--set', 'nfs.path=/a'],
    says: /nfs\/server/,
  })),
  ...['srv', '/srv/../etc', '/..'].map((path) => ({
    what: `the path ${path}`,
    flags: ['--set', 'nfs.server=nas', '--set', `nfs.path=${path}`],
    says: /nfs\/path/,
  })),
  {
    what: 'mount options in one word',
    flags: [...twoValues, '--set-json', 'nfs.mountOptions=["nfsvers=4.1,hard"]'],
    says: /nfs\/mountOptions/,
  },
  {
    what: 'a misspelt value',
    flags: [...twoValues, '--set', 'nfs.mountOption={hard}'],
    says: /mountOption/,
  },
  {
    what: "another driver's parameter",
    flags: [...twoValues, '--set', 'storageClasses.berth.parameters.archiveOnDelete=true'],
    says: /archiveOnDelete/,
  },
  {
    what: 'a mode that YAML reads as a number',
    flags: [...twoValues, '--set-json', 'storageClasses.berth.parameters.mode=504'],
    says: /mode.*got number, want string/,
  },
  {
    what: 'a pool of no kind',
    flags: ['--set-json', 'pools.a={}'],
    says: /nfs/,
  },
  {
    what: 'a driver name with capitals, which a CSIDriver cannot have',
    flags: [...twoValues, '--set', 'driverName=CSI.example.org'],
    says: /driverName/,
  },
  {
    what: 'a digest for a tag',
    flags: [...twoValues, '--set', `image.tag=sha256:${'0'.repeat(64)}`],
    says: /image\/tag/,
  },
];

for (const { what, flags, says } of refusals) {
  test(`the chart refuses ${what}`, async (t) => {
    if (!(await requireGoTool(t, 'helm 4'))) return;
    await assert.rejects(template(flags), (error: Error) => {
      assert.match(error.message.replace(/\s+/g, ' '), says);
      return true;
    });
  });
}
