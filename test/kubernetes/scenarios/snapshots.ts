import assert from 'node:assert/strict';
import { claim, list, pod, snapshot } from '../bed/objects.ts';
import { type Scenario, scenario } from '../bed/scenario.ts';
import { Database } from './database.ts';

const mebibyte = 1024 ** 2;

/** The handle of a snapshot, which is its pool and the name of its record. */
async function handleOf(s: Scenario, name: string): Promise<string> {
  const content = await s.value(['volumesnapshot', name], '{.status.boundVolumeSnapshotContentName}');
  return s.kubectl.value(['volumesnapshotcontent', content], '{.status.snapshotHandle}');
}

/** What the pool has of the snapshot. */
async function recordOf(s: Scenario, handle: string): Promise<string> {
  const path = `/srv/export/.berth/snapshots/${handle.split('/')[1]}`;
  return s.cluster.server.run(`readlink ${path} || echo gone`);
}

/** Of these snapshots the one of this claim. */
async function memberOf(s: Scenario, members: readonly string[], claimName: string): Promise<string> {
  const volume = await s.bound(claimName);
  for (const member of members) {
    const content = await s.value(['volumesnapshot', member], '{.status.boundVolumeSnapshotContentName}');
    const source = '{.spec.source.volumeHandle}';
    if ((await s.kubectl.value(['volumesnapshotcontent', content], source)).endsWith(`/${volume}`))
      return member;
  }
  throw new Error(`no snapshot of ${claimName} is among ${members.join(', ')}`);
}

export const snapshots = [
  scenario('a snapshot has what was there, and a larger volume comes from it', async (s) => {
    const { rest, last: taking } = await s.exampleParts('snapshot');
    await s.apply(rest);
    await s.ready('recipes');
    await s.exec('recipes', 'echo flour > /data/bread && ln /data/bread /data/same');
    await s.apply(taking);
    await s.taken('recipes-today');
    assert.equal(await s.value(['volumesnapshot', 'recipes-today'], '{.status.restoreSize}'), '1Gi');
    await s.exec('recipes', 'echo sugar > /data/bread && touch /data/cake');

    await s.example('restore');
    await s.ready('recipes-restored');
    assert.equal(await s.value(['pvc', 'recipes-restored'], '{.status.capacity.storage}'), '2Gi');
    assert.equal(
      await s.exec('recipes-restored', 'cat /data/bread && ls /data'),
      'flour\nbread\nsame\nvisits',
    );
    assert.equal(await s.exec('recipes-restored', 'stat -c %h /data/bread'), '2');

    await s.example('snapshot-for-readers');
    const readers = await s.readyPods('app=recipes-then', 2);
    const handle = await handleOf(s, 'recipes-today');
    await s.run(['delete', 'volumesnapshot', 'recipes-today']);
    await s.gone(['volumesnapshot', 'recipes-today']);
    assert.equal(await recordOf(s, handle), 'gone');
    assert.equal(await s.exec('recipes-restored', 'cat /data/bread'), 'flour');
    // Those who show the snapshot itself have it still, and nothing of their own.
    for (const reader of readers) {
      assert.equal(await s.exec(reader, 'cat /data/bread && ls /data'), 'flour\nbread\nsame\nvisits');
      assert.match(await s.exec(reader, 'touch /data/x 2>&1 || true'), /Read-only file system/);
    }
    const own = `/srv/export/${await s.bound('recipes-then')}`;
    assert.equal(await s.cluster.server.run(`ls ${own}`), '');
  }),
  scenario('a claim is made from another one', async (s) => {
    const { rest, last: cloning } = await s.exampleParts('clone');
    await s.apply(rest);
    await s.ready('template');
    await s.exec('template', 'echo first > /data/page');
    await s.apply(cloning);
    await s.apply(list(pod('copy', { claimName: 'copy-of-template' })));
    await s.ready('copy');
    await s.exec('copy', 'echo second > /data/page');
    assert.equal(await s.exec('template', 'cat /data/page'), 'first');
    assert.equal(await s.exec('copy', 'cat /data/page'), 'second');
  }),
  scenario(
    'ext4 and a raw device come back from their snapshots, larger, while their pods write on',
    async (s) => {
      const image = { storageClassName: 'berth-block', accessMode: 'ReadWriteOnce' } as const;
      await s.apply(
        list(
          claim('ledger', { ...image, storage: '64Mi' }),
          claim('disk', { ...image, volumeMode: 'Block', storage: '64Mi' }),
          pod('writer', { claimName: 'ledger', deviceClaim: 'disk' }),
        ),
      );
      await s.ready('writer');
      await s.exec('writer', 'echo kept > /data/entry && echo kept | dd of=/dev/data conv=fsync && sync');
      await s.exec('writer', '(while date >> /data/noise; do sync; done) >/dev/null 2>&1 &');
      await s.apply(list(snapshot('ledger', 'ledger'), snapshot('disk', 'disk')));
      for (const name of ['ledger', 'disk']) await s.taken(name);
      await s.exec(
        'writer',
        'echo changed > /data/entry && echo changed | dd of=/dev/data conv=fsync && sync',
      );
      await s.apply(
        list(
          claim('ledger-back', { ...image, storage: '128Mi', snapshot: 'ledger' }),
          claim('disk-back', { ...image, volumeMode: 'Block', storage: '128Mi', snapshot: 'disk' }),
          pod('reader', { claimName: 'ledger-back', deviceClaim: 'disk-back' }),
        ),
      );
      await s.ready('reader');
      assert.equal(await s.exec('reader', 'cat /data/entry && head -n 1 /dev/data'), 'kept\nkept');
      assert.equal(await s.exec('reader', 'blockdev --getsize64 /dev/data'), String(128 * mebibyte));
      assert.ok(Number(await s.exec('reader', "df -m /data | awk 'END { print $2 }'")) > 80);
      assert.equal(await s.value(['pod', 'writer'], '{.status.containerStatuses[0].restartCount}'), '0');
    },
  ),
  scenario('the claims with a label are taken together, and none of them goes alone', async (s) => {
    const { rest, last: taking } = await s.exampleParts('group-snapshot');
    await s.apply(rest);
    await s.ready('shop');
    await s.exec('shop', 'sync');
    await s.apply(taking);
    await s.taken('shop-today', 'volumegroupsnapshot');
    const members = (await s.value(['volumesnapshots'], '{.items[*].metadata.name}')).split(' ');
    assert.equal(members.length, 2);
    const handles: string[] = [];
    for (const member of members) {
      await s.taken(member);
      handles.push(await handleOf(s, member));
    }
    for (const handle of handles) assert.match(await recordOf(s, handle), /"/);

    const source = '{.spec.source.persistentVolumeClaimName}{.status.volumeGroupSnapshotName}';
    for (const member of members) {
      assert.match(await s.value(['volumesnapshot', member], source), /shop-today/);
    }
    const ofOrders = await memberOf(s, members, 'shop-orders');
    await s.apply(
      list(
        claim('orders-back', { storage: '1Gi', snapshot: ofOrders }),
        pod('back', { claimName: 'orders-back' }),
      ),
    );
    await s.ready('back');
    assert.match(await s.exec('back', 'cat /data/visits'), /20\d\d/);

    await s.run(['delete', 'volumegroupsnapshot', 'shop-today']);
    for (const member of members) await s.gone(['volumesnapshot', member]);
    for (const handle of handles) assert.equal(await recordOf(s, handle), 'gone');
  }),
  scenario('a snapshot that is on the pool already is used, and stays', async (s) => {
    await s.apply(list(claim('minutes'), pod('minutes', { claimName: 'minutes' })));
    await s.ready('minutes');
    await s.exec('minutes', 'echo agreed > /data/page');
    await s.apply(list(snapshot('minutes', 'minutes')));
    await s.taken('minutes');
    const handle = await handleOf(s, 'minutes');
    const content = await s.value(['volumesnapshot', 'minutes'], '{.status.boundVolumeSnapshotContentName}');
    const keep = { spec: { deletionPolicy: 'Retain' } };
    await s.kubectl.run([
      'patch',
      'volumesnapshotcontent',
      content,
      '--type=merge',
      '--patch',
      JSON.stringify(keep),
    ]);
    await s.run(['delete', 'volumesnapshot', 'minutes']);
    await s.kubectl.run(['delete', 'volumesnapshotcontent', content]);
    assert.match(await recordOf(s, handle), /"/);

    await s.example('static-snapshot', {
      'namespace: default': `namespace: ${s.namespace}`,
      'nas/snapshot-0f3c': handle,
    });
    await s.ready('minutes-2025');
    assert.equal(await s.exec('minutes-2025', 'cat /data/page'), 'agreed');
    // So that nothing of it is left.
    const remove = { spec: { deletionPolicy: 'Delete' } };
    await s.kubectl.run([
      'patch',
      'volumesnapshotcontent',
      'minutes-2025',
      '--type=merge',
      '--patch',
      JSON.stringify(remove),
    ]);
    await s.run(['delete', 'volumesnapshot', 'minutes-2025']);
    await s.kubectl.gone(['volumesnapshotcontent', 'minutes-2025']);
    assert.equal(await recordOf(s, handle), 'gone');
  }),
];

/** Comes alone: two databases and their node's processor. */
export const databaseRestored = scenario(
  'a deleted database comes back from its snapshot, and from the archive',
  async (s) => {
    const { server } = s.cluster;
    const archived = {
      metadata: { name: 'kept' },
      provisioner: 'csi.berth.dev',
      parameters: { pool: 'nas', onDelete: 'archive' },
    };
    await s.apply(list({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', ...archived }));
    const edits = {
      'storage: 5Gi': 'storage: 1Gi',
      'accessModes: [ReadWriteOncePod]': 'storageClassName: kept\n        accessModes: [ReadWriteOncePod]',
    };
    const database = new Database(s, 'mariadb');
    await s.example('mariadb', edits);
    await s.ready(database.pod);
    await database.insert('1 in the snapshot');

    s.tell('a snapshot of it, while it is down');
    await s.run(['scale', 'statefulset', 'mariadb', '--replicas=0']);
    await s.gone(['pod', database.pod]);
    await s.apply(list(snapshot('shop', 'data-mariadb-0')));
    await s.taken('shop');
    await s.run(['scale', 'statefulset', 'mariadb', '--replicas=1']);
    await s.ready(database.pod);
    await database.insert('2 in the archive alone');
    const all = await database.words();

    s.tell('all of it is deleted, and comes back from the snapshot');
    const volume = await deleteDatabase(s);
    await s.apply(
      list(
        claim('data-mariadb-0', {
          storageClassName: 'kept',
          accessMode: 'ReadWriteOncePod',
          storage: '1Gi',
          snapshot: 'shop',
        }),
      ),
    );
    await s.example('mariadb', edits);
    await s.ready(database.pod);
    assert.deepEqual(await database.words(), all.slice(0, 1));
    const restored = await deleteDatabase(s);
    await s.archiveRemoved(restored);

    s.tell('and from the archive');
    const [entry = ''] = (
      await server.run(`ls -d /srv/export/.berth/archive/${volume}-* | grep -v '\\.record$'`)
    ).split('\n');
    await server.run(`mkdir -p /srv/export/restored && mv ${entry} /srv/export/restored/shop`);
    s.keeps('/srv/export/restored');
    await s.apply(list(...staticClaim(s.namespace, 'data-mariadb-0', 'restored/shop')));
    await s.example('mariadb', edits);
    await s.ready(database.pod);
    assert.deepEqual(await database.words(), all);
    await s.run(['delete', 'statefulset', 'mariadb', '--cascade=foreground']);
    await s.gone(['pod', database.pod]);
    await s.archiveRemoved(volume);
  },
);

/** Deletes the StatefulSet and its claim; returns the name of the PersistentVolume, which is gone then. */
async function deleteDatabase(s: Scenario): Promise<string> {
  const volume = await s.bound('data-mariadb-0');
  await s.run(['delete', 'statefulset', 'mariadb', '--cascade=foreground']);
  await s.gone(['pod', 'mariadb-0']);
  await s.run(['delete', 'pvc', 'data-mariadb-0']);
  await s.kubectl.gone(['pv', volume]);
  return volume;
}

/** A PersistentVolume written by hand and the claim that gets it. */
function staticClaim(namespace: string, name: string, subDir: string): readonly object[] {
  const accessModes = ['ReadWriteOncePod'];
  const storage = '1Gi';
  const volume = `${namespace}-${name}`;
  const csi = { driver: 'csi.berth.dev', volumeHandle: volume, volumeAttributes: { pool: 'nas', subDir } };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volume },
      spec: {
        capacity: { storage },
        accessModes,
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
        claimRef: { namespace, name },
        csi,
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name },
      spec: { storageClassName: '', volumeName: volume, accessModes, resources: { requests: { storage } } },
    },
  ];
}
