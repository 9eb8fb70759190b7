import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseConfig } from '../../../src/config/load.ts';
import { readObjects } from '../../../src/migrate/documents.ts';
import { Servers } from '../../../src/migrate/find-pool.ts';
import { claimManifest, volumeManifest } from '../../../src/migrate/manifest.ts';
import { pickObjects } from '../../../src/migrate/objects.ts';
import { type Options, type Plan, planMigration } from '../../../src/migrate/plan.ts';
import { claimOf, handWritten, ofBerth, ofCsiDriverNfs, ofSubdirProvisioner, uid } from './volumes.ts';

const config = `
pools:
  nas: { nfs: { server: 10.0.0.5, path: /export/k8s/, mountOptions: [nfsvers=4.2, hard] } }
  other: { nfs: { server: nas.example.com, path: /volume1 } }
  scratch: { local: { path: /export } }
`;

function plan(volumes: readonly unknown[], options: Partial<Options> = {}): Plan {
  return planMigration(pickObjects(volumes).volumes, {
    pools: parseConfig(config, 'config').pools,
    servers: new Servers([]),
    driver: 'csi.berth.dev',
    provisioners: [],
    handWritten: false,
    released: false,
    ...options,
  });
}

/** Where the only volume goes, as pool:subDir; fails with what was said of it where it goes nowhere. */
function goesTo(volume: unknown, options: Partial<Options> = {}): string {
  const { migrated, refused, notes } = plan([volume], options);
  const [only] = migrated;
  assert.ok(only, JSON.stringify([...refused, ...notes]));
  return `${only.location.pool.name}:${only.location.subDir}`;
}

/** Why the only volume goes nowhere. */
function refusalOf(volume: unknown, options: Partial<Options> = {}): string {
  const { migrated, refused } = plan([volume], options);
  assert.deepEqual(migrated, []);
  return refused.map(({ text }) => text).join();
}

suite('where the data is', () => {
  test('nfs-subdir-external-provisioner: its own directory names, and those of a pathPattern', () => {
    assert.equal(goesTo(ofSubdirProvisioner({ name: 'pvc-1' })), 'nas:web-data-pvc-1');
    const nested = ofSubdirProvisioner({ name: 'pvc-1', path: '/export/k8s/web/data/' });
    assert.equal(goesTo(nested), 'nas:web/data');
  });

  test('its provisioner is known by each name its manifests and charts have had', () => {
    for (const provisioner of [
      'k8s-sigs.io/nfs-subdir-external-provisioner',
      'cluster.local/nfs-subdir-external-provisioner',
      'cluster.local/store-nfs-subdir-external-provisioner',
      'k8s-sigs.io/second-nfs-subdir-external-provisioner',
      'cluster.local/nfs-client-provisioner',
      'fuseim.pri/ifs',
    ]) {
      assert.equal(goesTo(ofSubdirProvisioner({ name: 'pvc-1', provisioner })), 'nas:web-data-pvc-1');
    }
  });

  test('a provisioner of another name is left out, and taken when it is named', () => {
    const volume = ofSubdirProvisioner({ name: 'pvc-1', provisioner: 'example.com/nfs' });
    const { migrated, refused, notes } = plan([volume]);
    assert.deepEqual([migrated, refused], [[], []]);
    assert.match(
      notes[0]?.text ?? '',
      /left out: it was made by example\.com\/nfs.*--provisioner example\.com\/nfs/,
    );
    assert.equal(goesTo(volume, { provisioners: ['example.com/nfs'] }), 'nas:web-data-pvc-1');
  });

  test('csi-driver-nfs from 4.1 on: share and subDir', () => {
    assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1' })), 'nas:pvc-1');
    assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1', subDir: 'web/data' })), 'nas:web/data');
    assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1', share: '/export/k8s/' })), 'nas:pvc-1');
    assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1', share: '/export/k8s/team' })), 'nas:team/pvc-1');
    assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1', share: '/', subDir: 'export/k8s/a' })), 'nas:a');
    const retained = ofCsiDriverNfs({
      name: 'pvc-1',
      subDir: 'web/data',
      handle: '10.0.0.5#export/k8s#web/data#pvc-1#retain',
    });
    assert.equal(goesTo(retained), 'nas:web/data');
  });

  test('csi-driver-nfs up to 4.0: the directory is part of the share, the handle is of either old form', () => {
    for (const handle of ['10.0.0.5/export/k8s/pvc-1', '10.0.0.5#export/k8s#pvc-1']) {
      const attributes = { server: '10.0.0.5', share: '/export/k8s/pvc-1' };
      assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1', handle, attributes })), 'nas:pvc-1');
    }
  });

  test('csi-driver-nfs: the case of the attributes does not matter, tokens have their values', () => {
    const attributes = {
      Server: '10.0.0.5',
      SHARE: '/export/k8s',
      subdir: '${pvc.metadata.namespace}/${pvc.metadata.name}-${pv.metadata.name}',
      'csi.storage.k8s.io/pvc/name': 'data',
      'csi.storage.k8s.io/pvc/namespace': 'web',
    };
    assert.equal(goesTo(ofCsiDriverNfs({ name: 'pvc-1', attributes })), 'nas:web/data-${pv.metadata.name}');
  });

  test('csi-driver-nfs: a volume without server or share is refused', () => {
    assert.match(
      refusalOf(ofCsiDriverNfs({ name: 'a', attributes: { server: 'x' } })),
      /lack "server" or "share"/,
    );
  });

  test('nfs volumes written by hand are taken only when asked for', () => {
    const volume = handWritten({ name: 'photos', path: '/export/k8s/photos' });
    const { migrated, refused, notes } = plan([volume]);
    assert.deepEqual([migrated, refused], [[], []]);
    assert.match(notes[0]?.text ?? '', /left out: it was written by hand; --hand-written/);
    assert.equal(goesTo(volume, { handWritten: true }), 'nas:photos');
  });

  test('other storage is passed over in silence', () => {
    const ebs = ofCsiDriverNfs({
      name: 'a',
      spec: { csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'v' } },
    });
    const hostPath = handWritten({
      name: 'b',
      path: '/x',
      spec: { nfs: undefined, hostPath: { path: '/x' } },
    });
    assert.deepEqual(plan([ebs, hostPath, { kind: 'Secret' }]), { migrated: [], refused: [], notes: [] });
  });
});

suite('which pool', () => {
  test('a server is known by any spelling of its name, and by others that are named', () => {
    const named = ofSubdirProvisioner({ name: 'a', server: 'NAS.example.com', path: '/volume1/a' });
    assert.equal(goesTo(named), 'other:a');
    const short = ofSubdirProvisioner({ name: 'a', server: 'nas', path: '/volume1/a' });
    assert.match(
      refusalOf(short),
      /no pool of the config has nas:\/volume1\/a; the pool other is nas\.example\.com:\/volume1: .*--same-server nas=nas\.example\.com/,
    );
    assert.equal(goesTo(short, { servers: new Servers(['nas=nas.example.com']) }), 'other:a');
    const chained = new Servers(['nas=192.0.2.1', 'nas.example.com=[2001:db8::1]', '2001:DB8::1=192.0.2.1']);
    assert.equal(goesTo(short, { servers: chained }), 'other:a');
  });

  test('of two pools that one server has under two names, the nearest one is taken', () => {
    const { pools } = parseConfig(
      'pools: { all: { nfs: { server: one, path: / } }, team: { nfs: { server: two, path: /export/team } } }',
      'config',
    );
    const servers = new Servers(['one=two']);
    const at = (path: string) =>
      goesTo(ofSubdirProvisioner({ name: 'a', server: 'one', path }), { pools, servers });
    assert.equal(at('/export/team/a'), 'team:a');
    assert.equal(at('/export/teams/a'), 'all:export/teams/a');
  });

  test('where no pool fits, the sentence has what to add to the config', () => {
    assert.match(
      refusalOf(ofSubdirProvisioner({ name: 'a', server: 'nas3', path: '/srv/nfs/web-data-a' })),
      /no pool of the config has nas3:\/srv\/nfs\/web-data-a; to have it, add to the config's pools: NAME: \{ nfs: \{ server: "nas3", path: "\/srv\/nfs" \} \}$/,
    );
    assert.match(
      refusalOf(ofCsiDriverNfs({ name: 'a', server: 'nas3', share: '/srv', subDir: 'web/data' })),
      /server: "nas3", path: "\/srv" /,
    );
  });

  test('a neighbour whose name begins like the pool is not in it, nor is the pool itself or what is above it', () => {
    assert.match(
      refusalOf(ofSubdirProvisioner({ name: 'a', path: '/export/k8s-old/a' })),
      /no pool of the config has/,
    );
    const above = { handWritten: true };
    assert.match(refusalOf(handWritten({ name: 'a', path: '/export/k8s/' }), above), /is the pool nas, and/);
    assert.match(refusalOf(handWritten({ name: 'a', path: '/export' }), above), /is above the pool nas, and/);
  });

  test('a --same-server that names no two servers is a wrong use', () => {
    for (const pair of ['nas', 'nas=', '=nas', 'a=b=c', 'a=b c']) {
      assert.throws(() => new Servers([pair]), /--same-server .*: expected two names/);
    }
  });
});

suite('what the driver would not take is refused', () => {
  const cases: readonly [what: string, volume: unknown, reason: RegExp][] = [
    ["Berth's own directory", ofSubdirProvisioner({ name: 'a', path: '/export/k8s/.berth/x' }), /"\.berth"/],
    ['a path that leads up', ofSubdirProvisioner({ name: 'a', path: '/export/k8s/../b' }), /has a "\.\."/],
    ['a share that leads up', ofCsiDriverNfs({ name: 'a', subDir: '../b' }), /has a "\.\."/],
    ['a control character', ofCsiDriverNfs({ name: 'a', subDir: 'a\tb' }), /control character/],
    [
      'a mount option that names another server',
      ofSubdirProvisioner({ name: 'a', spec: { mountOptions: ['addr=10.9.9.9'] } }),
      /mount option "addr" is not allowed/,
    ],
    ['a block volume', ofCsiDriverNfs({ name: 'a', spec: { volumeMode: 'Block' } }), /block volume/],
    [
      'an access mode that Kubernetes does not have',
      ofCsiDriverNfs({ name: 'a', spec: { accessModes: ['Sometimes'] } }),
      /access mode Sometimes/,
    ],
    [
      'a volume that is being deleted',
      ofCsiDriverNfs({ name: 'a', metadata: { deletionTimestamp: '2026-01-02T03:04:05Z' } }),
      /is being deleted/,
    ],
  ];
  for (const [what, volume, reason] of cases) {
    test(what, () => assert.match(refusalOf(volume), reason));
  }

  test('a reclaim policy by which the old driver would delete the data, with the command that mends it', () => {
    for (const persistentVolumeReclaimPolicy of ['Delete', 'Recycle', undefined]) {
      assert.match(
        refusalOf(ofSubdirProvisioner({ name: 'pvc-1', spec: { persistentVolumeReclaimPolicy } })),
        /kubectl patch pv pvc-1 --patch '\{"spec":\{"persistentVolumeReclaimPolicy":"Retain"\}\}'$/,
      );
    }
  });

  test('a directory that overlaps one that Berth provisioned', () => {
    const own = ofBerth({ name: 'pvc-9', handle: 'nas/pvc-9', where: { subDir: 'web' } });
    const { migrated, refused } = plan([ofCsiDriverNfs({ name: 'pvc-1', subDir: 'web/data' }), own]);
    assert.deepEqual(migrated, []);
    assert.match(refused[0]?.text ?? '', /overlaps that of pvc-9, which Berth provisioned/);
  });

  test('a directory around an image that Berth made', () => {
    const own = ofBerth({ name: 'pvc-9', handle: 'nas/pvc-9', where: { image: 'web/disk/disk.img' } });
    for (const subDir of ['web', 'web/disk']) {
      const { migrated, refused } = plan([ofCsiDriverNfs({ name: 'pvc-1', subDir }), own]);
      assert.deepEqual(migrated, []);
      assert.match(refused[0]?.text ?? '', /overlaps that of pvc-9, which Berth provisioned/);
    }
    assert.equal(plan([ofCsiDriverNfs({ name: 'pvc-1', subDir: 'web/other' }), own]).migrated.length, 1);
  });
});

suite('notes', () => {
  test('volumes that share a directory, as pathPattern allows it, are migrated with a note', () => {
    const { migrated, notes } = plan([
      ofSubdirProvisioner({ name: 'pvc-1', path: '/export/k8s/shared' }),
      ofSubdirProvisioner({ name: 'pvc-2', path: '/export/k8s/shared' }),
      ofSubdirProvisioner({ name: 'pvc-3', path: '/export/k8s/shared-not' }),
    ]);
    assert.equal(migrated.length, 3);
    assert.deepEqual(
      notes.map(({ volume }) => volume),
      ['pvc-2'],
    );
    assert.match(notes[0]?.text ?? '', /that of pvc-1-berth, or one is inside the other/);
  });

  test('what has been migrated is left out of the next run', () => {
    const old = ofSubdirProvisioner({ name: 'pvc-1' });
    const [first] = plan([old]).migrated;
    assert.ok(first);
    const { migrated, refused, notes } = plan([old, volumeManifest(first)]);
    assert.deepEqual([migrated, refused], [[], []]);
    assert.match(notes[0]?.text ?? '', /has been migrated to pvc-1-berth/);
  });
});

suite('a volume whose claim was deleted', () => {
  for (const phase of ['Released', 'Failed']) {
    const volume = ofSubdirProvisioner({ name: 'pvc-1', status: { phase } });

    test(`is left out where it is ${phase}: the next claim of that name did not ask for its data`, () => {
      const { migrated, refused, notes } = plan([volume]);
      assert.deepEqual([migrated, refused], [[], []]);
      assert.match(notes[0]?.text ?? '', new RegExp(`^left out: it is ${phase}: .*--released includes`));
    });

    test(`keeps the uid of its claim where it is ${phase} and asked for, so that no other gets it`, () => {
      const { migrated, notes } = plan([volume], { released: true });
      const [only] = migrated;
      assert.ok(only);
      assert.deepEqual(Reflect.get(Reflect.get(volumeManifest(only), 'spec'), 'claimRef'), {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: 'web',
        name: 'data',
        uid,
      });
      assert.match(notes[0]?.text ?? '', /no claim gets it until you change its claimRef/);
    });
  }

  test('is left out where it could not be migrated anyway, and where it is not Retain', () => {
    const status = { phase: 'Released' };
    const { migrated, refused, notes } = plan([
      ofCsiDriverNfs({ name: 'pvc-1', status, attributes: {} }),
      ofCsiDriverNfs({ name: 'pvc-2', status, spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
    ]);
    assert.deepEqual([migrated, refused, notes.length], [[], [], 2]);
  });

  test('is refused where it is asked for and its claimRef is gone, or lacks the uid', () => {
    for (const claimRef of [undefined, { namespace: 'web', name: 'data' }]) {
      const volume = ofCsiDriverNfs({ name: 'a', status: { phase: 'Released' }, spec: { claimRef } });
      assert.match(refusalOf(volume, { released: true }), /it is Released, but its claimRef lacks the uid/);
    }
  });
});

suite('what is printed', () => {
  const printed = (volume: unknown, options: Partial<Options> = {}) => {
    const [only] = plan([volume], options).migrated;
    assert.ok(only);
    return volumeManifest(only);
  };

  test('a static volume of Berth, reserved for the same claim and of the same class', () => {
    const labels = { app: 'photos', release: 'yes' };
    const spec = {
      mountOptions: ['hard', 'nfsvers=4.2', '_netdev', 'noatime', 'nofail'],
      accessModes: ['ReadWriteOnce'],
    };
    assert.deepEqual(printed(ofSubdirProvisioner({ name: 'pvc-1', metadata: { labels }, spec })), {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'pvc-1-berth', labels, annotations: { 'berth.dev/migrated-from': 'pvc-1' } },
      spec: {
        capacity: { storage: '5Gi' },
        accessModes: ['ReadWriteOnce'],
        volumeMode: 'Filesystem',
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: 'nfs-client',
        mountOptions: ['noatime'],
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'web', name: 'data' },
        csi: {
          driver: 'csi.berth.dev',
          volumeHandle: 'pvc-1-berth',
          volumeAttributes: { pool: 'nas', subDir: 'web-data-pvc-1' },
        },
      },
    });
  });

  test('mount options from wherever the old driver took them, one by one, without those of the pool', () => {
    const old = ofCsiDriverNfs({
      name: 'a',
      attributes: { server: '10.0.0.5', share: '/export/k8s', subDir: 'a', mountOptions: 'timeo=50,hard' },
      spec: { mountOptions: ['nfsvers=4.2, noatime', 'noatime'] },
    });
    assert.deepEqual(Reflect.get(Reflect.get(printed(old), 'spec'), 'mountOptions'), ['noatime', 'timeo=50']);
    const annotated = handWritten({
      name: 'a',
      path: '/export/k8s/a',
      annotations: { 'volume.beta.kubernetes.io/mount-options': 'hard,nconnect=4' },
    });
    const spec = Reflect.get(printed(annotated, { handWritten: true }), 'spec');
    assert.deepEqual(Reflect.get(spec, 'mountOptions'), ['nconnect=4']);
  });

  test('read-only stays read-only, and a volume without a claim is free for any', () => {
    const old = handWritten({
      name: 'a',
      path: '/export/k8s/a',
      spec: { nfs: { server: '10.0.0.5', path: '/export/k8s/a', readOnly: true }, claimRef: undefined },
    });
    const spec = Reflect.get(printed(old, { handWritten: true }), 'spec');
    assert.equal(Reflect.get(Reflect.get(spec, 'csi'), 'readOnly'), true);
    assert.equal(Reflect.has(spec, 'claimRef'), false);
    assert.equal(Reflect.get(spec, 'storageClassName'), '');
  });

  test('names do not collide, and handles fit into CSI', () => {
    const long = 'a'.repeat(253);
    const { migrated } = plan([
      ofSubdirProvisioner({ name: 'pvc-1' }),
      ofSubdirProvisioner({ name: 'pvc-1-berth' }),
      ofSubdirProvisioner({ name: long, path: '/export/k8s/long' }),
    ]);
    const names = migrated.map(({ name }) => name);
    assert.match(names[0] ?? '', /^pvc-1-[0-9a-f]{40}$/);
    assert.equal(names[1], 'pvc-1-berth-berth');
    assert.ok((names[2]?.length ?? 0) <= 253);
    assert.equal(new Set([...names, 'pvc-1', 'pvc-1-berth', long]).size, 6);
    assert.ok(migrated.every(({ handle }) => handle.length <= 128));
  });

  test('a name that is cut off does not end in a dot or hyphen before its hash', () => {
    for (const end of ['.', '-', '.a-', '-.']) {
      const name = `${'a'.repeat(200 - end.length)}${end}`.padEnd(253, 'b');
      const [only] = plan([ofSubdirProvisioner({ name, path: '/export/k8s/a' })]).migrated;
      assert.match(only?.name ?? '', /^[a-z0-9]+(\.[a-z0-9]+)*-[0-9a-f]{40}$/);
    }
  });

  test('the claim, as it was, bound to the new volume', () => {
    const [claim] = pickObjects([claimOf({ name: 'pvc-1' })]).claims;
    assert.ok(claim);
    assert.deepEqual(claimManifest(claim, 'pvc-1-berth'), {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'web', annotations: { team: 'photos' } },
      spec: {
        accessModes: ['ReadWriteMany'],
        storageClassName: 'nfs-client',
        volumeMode: 'Filesystem',
        resources: { requests: { storage: '5Gi' } },
        volumeName: 'pvc-1-berth',
      },
    });
  });
});

suite('the input', () => {
  const one = ofSubdirProvisioner({ name: 'one', metadata: { labels: { odd: '} " \\ {' } } });
  const two = ofSubdirProvisioner({ name: 'two' });

  test('is one object, a list, or several of either', () => {
    assert.deepEqual(readObjects(JSON.stringify(one)), [one]);
    const list = { kind: 'List', items: [one, two] };
    assert.deepEqual(readObjects(JSON.stringify(list, undefined, 4)), [one, two]);
    assert.deepEqual(readObjects(`${JSON.stringify(list)}\n${JSON.stringify(one)}\n`), [one, two, one]);
    assert.deepEqual(readObjects('{"kind":"List","items":[]}'), []);
  });

  test('is refused where it is nothing of that', () => {
    for (const text of ['', 'apiVersion: v1', `${JSON.stringify(one)} and more`, '{"kind":']) {
      assert.throws(() => readObjects(text), /standard input: not JSON; give it what "kubectl get/, text);
    }
  });

  test('has an object once, however often it is repeated', () => {
    const later = { ...one, metadata: { ...Object(one.metadata), resourceVersion: '9999' } };
    const written = { ...one, metadata: { ...Object(one.metadata), uid: undefined } };
    const claims = [claimOf({ name: 'one' }), claimOf({ name: 'one', namespace: 'other' })];
    const objects = pickObjects([one, two, ...claims, later, ...claims, JSON.parse(JSON.stringify(written))]);
    assert.deepEqual(
      [...objects.volumes, ...objects.claims].map(({ metadata }) => [metadata.namespace, metadata.name]),
      [
        [undefined, 'one'],
        [undefined, 'two'],
        ['web', 'data'],
        ['other', 'data'],
      ],
    );
  });

  test('is refused where two of one name differ, by the field', () => {
    const pairs: readonly [unknown, unknown, RegExp][] = [
      [
        two,
        ofSubdirProvisioner({ name: 'two', spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
        /the PersistentVolume two is there twice, and the two differ in spec\.persistentVolumeReclaimPolicy; give/,
      ],
      [two, ofSubdirProvisioner({ name: 'two', status: { phase: 'Released' } }), /differ in status\.phase/],
      [two, ofSubdirProvisioner({ name: 'two', metadata: { uid: 'another' } }), /differ in metadata\.uid/],
      [
        claimOf({ name: 'one' }),
        claimOf({ name: 'two' }),
        /the PersistentVolumeClaim web\/data is there twice, and the two differ in spec\.volumeName/,
      ],
    ];
    for (const [left, right, sentence] of pairs) {
      assert.throws(() => pickObjects([left, right]), { name: 'UsageError', message: sentence });
    }
  });

  test('is refused where an object is malformed, by the key', () => {
    const wrong = {
      kind: 'PersistentVolume',
      metadata: { name: 'a' },
      spec: { nfs: { server: 1, path: '/' } },
    };
    assert.throws(() => pickObjects([wrong]), /a PersistentVolume whose spec\.nfs\.server is not what/);
  });
});
