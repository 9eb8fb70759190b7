import assert from 'node:assert/strict';
import { addresses } from '../bed/addresses.ts';
import { list, pod } from '../bed/objects.ts';
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

export const migration = scenario(
  'volumes of two other drivers move to Berth, and their data stays where it is',
  async (s) => {
    const { server } = s.cluster;
    const [photos, books] = [`${s.namespace}-photos-pvc-1`, 'pvc-2'];
    for (const directory of [photos, books]) {
      await server.run(`mkdir /srv/export/${directory} && echo ${directory} > /srv/export/${directory}/name`);
      s.keeps(`/srv/export/${directory}`);
    }
    const old = [
      ...volume('pvc-1', 'photos', s.namespace, 'k8s-sigs.io/nfs-subdir-external-provisioner', {
        nfs: { server: addresses.server, path: `/${photos}` },
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
    for (const volume of ['pvc-1', 'pvc-2']) {
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
    await s.run(['delete', 'pvc', 'photos', 'books']);
    await s.kubectl.run(['delete', 'pv', 'pvc-1', 'pvc-2']);
    await s.apply(after);
    for (const claim of ['photos', 'books']) {
      const made = await s.bound(claim);
      assert.equal(await s.kubectl.value(['pv', made], '{.spec.csi.driver}'), 'csi.berth.dev');
      await s.apply(list(pod(claim, { claimName: claim })));
      await s.ready(claim);
    }
    assert.equal(await s.exec('photos', 'cat /data/name /data/written'), `${photos}\nbefore`);
    assert.equal(await s.exec('books', 'cat /data/name'), books);
    await s.exec('photos', 'echo after > /data/written');
    assert.equal(await server.run(`cat /srv/export/${photos}/written`), 'after');

    s.tell('and back again');
    const ours = await s.bound('photos');
    await s.run(['delete', 'pod', 'photos']);
    await s.run(['delete', 'pvc', 'photos']);
    await s.kubectl.run(['delete', 'pv', ours]);
    await s.apply(untied(before, ['pvc-1', 'photos']));
    assert.equal(await s.bound('photos'), 'pvc-1');
    await s.apply(list(pod('photos', { claimName: 'photos' })));
    await s.ready('photos');
    assert.equal(await s.exec('photos', 'cat /data/written'), 'after');
  },
);

interface Kept {
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly annotations?: Record<string, string> };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What the docs' jq makes of the objects of these names: without what ties them to ones that are gone. */
function untied(kept: string, names: readonly string[]): string {
  const { items } = JSON.parse(kept) as { items: Kept[] };
  const chosen = items.filter(({ metadata }) => names.includes(String(metadata.name)));
  for (const { metadata, spec } of chosen) {
    for (const key of ['uid', 'resourceVersion', 'creationTimestamp']) Reflect.deleteProperty(metadata, key);
    Reflect.deleteProperty(metadata.annotations ?? {}, 'pv.kubernetes.io/bind-completed');
    for (const key of ['uid', 'resourceVersion']) Reflect.deleteProperty(Object(spec.claimRef), key);
  }
  return list(...chosen.map(({ metadata, spec, kind }) => ({ apiVersion: 'v1', kind, metadata, spec })));
}
