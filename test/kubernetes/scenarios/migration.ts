import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { checkout } from '../../vm/vm.ts';
import { addresses } from '../bed/addresses.ts';
import { claim, list, pod } from '../bed/objects.ts';
import { release } from '../bed/release.ts';
import { scenario } from '../bed/scenario.ts';

/** A volume as another driver has left it, with its claim. */
function volume(name: string, claim: string, namespace: string, provisioner: string, source: object) {
  const accessModes = ['ReadWriteMany'];
  const storageClassName = 'of-another-driver';
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
      spec: {
        ...source,
        accessModes,
        storageClassName,
        capacity: { storage: '1Gi' },
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: { namespace, name: claim },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claim, namespace },
      spec: { accessModes, storageClassName, volumeName: name, resources: { requests: { storage: '1Gi' } } },
    },
  ];
}

/** Of `archiveOnDelete: "true"` and `pathPattern: ${.PVC.namespace}/${.PVC.name}`. */
function translated() {
  const subDir = '${pvc.metadata.namespace}/${pvc.metadata.name}';
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'translated' },
    provisioner: 'csi.berth.dev',
    parameters: { pool: 'nas', subDir, onDelete: 'archive' },
  };
}

export const migration = scenario(
  'volumes of two other drivers move to Berth, and their data stays where it is',
  async (s) => {
    const { server } = s.cluster;
    // The first one's default name, the second one's, and what a pathPattern makes.
    const [photos, books, scans] = [`${s.namespace}-photos-pvc-1`, 'pvc-2', `${s.namespace}/scans`];
    for (const directory of [photos, books, scans]) {
      const path = `/srv/export/${directory}`;
      await server.run(`mkdir -p ${path} && echo ${directory} > ${path}/name`);
    }
    for (const kept of [photos, books, s.namespace]) s.keeps(`/srv/export/${kept}`);
    const old = [
      ...volume('pvc-1', 'photos', s.namespace, 'k8s-sigs.io/nfs-subdir-external-provisioner', {
        nfs: { server: addresses.server, path: `/${photos}` },
      }),
      ...volume('pvc-3', 'scans', s.namespace, 'k8s-sigs.io/nfs-subdir-external-provisioner', {
        nfs: { server: addresses.server, path: `/${scans}` },
      }),
      ...volume('pvc-2', 'books', s.namespace, 'nfs.csi.k8s.io', {
        csi: {
          driver: 'nfs.csi.k8s.io',
          volumeHandle: `${addresses.server}##${books}##`,
          volumeAttributes: { server: addresses.server, share: '/', subdir: books },
        },
      }),
    ];
    await s.apply(list(...old));
    await s.bound('photos');
    await s.bound('books');
    await s.apply(list(pod('photos', { claimName: 'photos' })));
    await s.ready('photos');
    await s.exec('photos', 'echo before > /data/written');

    // The steps of docs/migrating.md.
    const get = () => s.kubectl.run(['get', 'pv,pvc', '--all-namespaces', '-o', 'json']);
    const inController = [
      '-n',
      release.namespace,
      'exec',
      '-i',
      `${release.name}-controller-0`,
      '-c',
      'berth',
    ];
    const notes = ['sh', '-c', 'berth migrate 2>&1 >/dev/null; true'];
    const warned = await s.kubectl.run([...inController, '--', ...notes], await get());
    for (const volume of ['pvc-1', 'pvc-2', 'pvc-3']) {
      const [, patch = ''] = new RegExp(`kubectl patch pv ${volume} --patch '(.*)'`).exec(warned) ?? [];
      await s.kubectl.run(['patch', 'pv', volume, '--patch', patch]);
      assert.equal(
        await s.kubectl.value(['pv', volume], '{.spec.persistentVolumeReclaimPolicy}'),
        'Retain',
        warned,
      );
    }
    const before = await get();
    const after = await s.kubectl.run([...inController, '--', 'berth', 'migrate'], before);
    await s.run(['delete', 'pod', 'photos']);
    await s.run(['delete', 'pvc', 'photos', 'books', 'scans']);
    await s.kubectl.run(['delete', 'pv', 'pvc-1', 'pvc-2', 'pvc-3']);
    await s.apply(after);
    for (const claim of ['photos', 'books', 'scans']) {
      const made = await s.bound(claim);
      assert.equal(await s.kubectl.value(['pv', made], '{.spec.csi.driver}'), 'csi.berth.dev');
      await s.apply(list(pod(claim, { claimName: claim })));
      await s.ready(claim);
    }
    assert.equal(await s.exec('photos', 'cat /data/name /data/written'), `${photos}\nbefore`);
    assert.equal(await s.exec('books', 'cat /data/name'), books);
    assert.equal(await s.exec('scans', 'cat /data/name'), scans);
    await s.exec('photos', 'echo after > /data/written');
    assert.equal(await server.run(`cat /srv/export/${photos}/written`), 'after');

    s.tell('a new claim of the old class, as the table of StorageClasses translates it');
    await s.apply(list(translated(), claim('drafts', { storageClassName: 'translated' })));
    const drafts = await s.bound('drafts');
    await server.run(`echo new > /srv/export/${s.namespace}/drafts/name`);
    await s.run(['delete', 'pvc', 'drafts']);
    await s.kubectl.gone(['pv', drafts]);
    assert.equal(await server.run('cat /srv/export/.berth/archive/*/name'), 'new');
    await s.archiveRemoved(drafts);
    assert.equal(await s.exec('scans', 'cat /data/name'), scans);

    s.tell('and back again');
    const ours = await s.bound('photos');
    await s.run(['delete', 'pod', 'photos']);
    await s.run(['delete', 'pvc', 'photos']);
    await s.kubectl.run(['delete', 'pv', ours]);
    await s.apply(await untied(before, 'pvc-1', s.namespace, 'photos'));
    assert.equal(await s.bound('photos'), 'pvc-1');
    await s.apply(list(pod('photos', { claimName: 'photos' })));
    await s.ready('photos');
    assert.equal(await s.exec('photos', 'cat /data/written'), 'after');
  },
);

/** What the jq of docs/migrating.md makes of the objects that were kept, for these names. */
async function untied(kept: string, volume: string, namespace: string, claim: string): Promise<string> {
  const docs = await readFile(join(checkout, 'docs', 'migrating.md'), 'utf8');
  const [, filter] = /^jq '([^']*)' before\.json \| kubectl apply -f -$/m.exec(docs) ?? [];
  assert.ok(filter, 'docs/migrating.md has the command');
  const names = { 'pvc-6b5e…': volume, web: namespace, photos: claim };
  let chosen = filter;
  for (const [name, ours] of Object.entries(names)) {
    assert.ok(chosen.includes(`"${name}"`), name);
    chosen = chosen.replaceAll(`"${name}"`, `"${ours}"`);
  }
  const { stdout } = await execa('jq', [chosen], { input: kept });
  return stdout;
}
