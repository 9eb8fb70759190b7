import assert from 'node:assert/strict';
import { pathOf } from '../bed/export.ts';
import { scenario } from '../bed/scenario.ts';

export const changes = [
  scenario('a volume grows while its pod uses it', async (s) => {
    await s.example('expansion');
    const volume = await s.bound('album');
    await s.ready('album');
    await s.run([
      'patch',
      'pvc',
      'album',
      '--patch',
      '{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}',
    ]);
    await s.until(['pvc', 'album'], '{.status.capacity.storage}', '3Gi');
    assert.equal(await s.kubectl.value(['pv', volume], '{.spec.capacity.storage}'), '3Gi');
    assert.equal(await s.value(['pod', 'album'], '{.status.containerStatuses[0].restartCount}'), '0');
    const record = await s.cluster.server.run(`readlink /srv/export/.berth/volumes/${volume}`);
    assert.ok(record.includes(String(3 * 1024 ** 3)), record);
  }),
  scenario('a VolumeAttributesClass changes what becomes of the data', async (s) => {
    await s.example('volume-attributes-class');
    const volume = await s.bound('contracts');
    const path = await pathOf(s.kubectl, volume);
    await s.cluster.server.run(`echo signed > ${path}/contract`);
    await s.run([
      'patch',
      'pvc',
      'contracts',
      '--patch',
      '{"spec":{"volumeAttributesClassName":"archived"}}',
    ]);
    await s.until(['pvc', 'contracts'], '{.status.currentVolumeAttributesClassName}', 'archived');
    await s.run(['delete', 'pvc', 'contracts']);
    await s.kubectl.gone(['pv', volume]);
    assert.equal(await s.cluster.server.run('cat /srv/export/.berth/archive/*/contract'), 'signed');
    await s.archiveRemoved(volume);
  }),
  scenario('a static volume shows a directory that was there, and stays when its claim goes', async (s) => {
    const { server } = s.cluster;
    s.keeps('/srv/export/company');
    await server.run('mkdir -p /srv/export/company/photos && echo jpeg > /srv/export/company/photos/1');
    await s.example('static-volume', { 'namespace: default': `namespace: ${s.namespace}` });
    await s.ready('company-photos');
    assert.equal(await s.exec('company-photos', 'cat /data/1'), 'jpeg');
    assert.match(await s.exec('company-photos', 'grep " /data " /proc/mounts'), /noatime/);
    await s.run(['delete', 'pod,pvc', 'company-photos']);
    await s.kubectl.until(['pv', 'company-photos'], '{.status.phase}', 'Released');
    await s.kubectl.run(['delete', 'pv', 'company-photos']);
    assert.equal(await server.run('cat /srv/export/company/photos/1'), 'jpeg');
  }),
  scenario('a generic ephemeral volume comes and goes with its pod', async (s) => {
    await s.example('ephemeral');
    await s.ready('render');
    const volume = await s.bound('render-scratch');
    const path = await pathOf(s.kubectl, volume);
    assert.equal(await s.cluster.server.run(`stat --format=%s ${path}/frames`), String(16 * 1024 ** 2));
    await s.run(['delete', 'pod', 'render']);
    await s.gone(['pvc', 'render-scratch']);
    await s.kubectl.gone(['pv', volume]);
  }),
];
