import assert from 'node:assert/strict';
import { pathOf } from '../bed/export.ts';
import type { Machine } from '../bed/machine.ts';
import { list, pod } from '../bed/objects.ts';
import { type Scenario, scenario } from '../bed/scenario.ts';

const mebibyte = 1024 ** 2;

async function grow(s: Scenario, claim: string, size: string): Promise<void> {
  const patch = { spec: { resources: { requests: { storage: size } } } };
  await s.run(['patch', 'pvc', claim, '--patch', JSON.stringify(patch)]);
  await s.until(['pvc', claim], '{.status.capacity.storage}', size);
}

/** Makes an image with ext4 and one file in it, past Berth, as its owner would. */
async function makeImage(s: Scenario, path: string, content: string): Promise<void> {
  const { server } = s.cluster;
  const folder = path.slice(0, path.lastIndexOf('/'));
  s.keeps(folder);
  const steps = [
    `mkdir -p ${folder} /tmp/content`,
    `echo ${content} > /tmp/content/file`,
    `mkfs.ext4 -q -d /tmp/content ${path} 64M`,
    'rm -r /tmp/content',
  ];
  await server.run(steps.join(' && '));
}

export const blocks = [
  scenario('a raw device is written to, grows while it is used, and moves to the other node', async (s) => {
    await s.example('raw-block');
    const volume = await s.bound('disk');
    await s.ready('disk');
    await s.exec('disk', 'until head -c 10 /dev/disk | grep -q written; do sleep 0.5; done');
    const image = `${await pathOf(s.kubectl, volume)}/disk.img`;
    assert.match(await s.cluster.server.run(`head -n 1 ${image}`), /^written by disk$/);
    await grow(s, 'disk', '2Gi');
    await s.exec(
      'disk',
      `until [ "$(blockdev --getsize64 /dev/disk)" = ${2048 * mebibyte} ]; do sleep 0.5; done`,
    );
    assert.equal(await s.value(['pod', 'disk'], '{.status.containerStatuses[0].restartCount}'), '0');
    const other = (await s.nodeOf('disk')) === 'a' ? 'b' : 'a';
    await s.run(['delete', 'pod', 'disk']);
    await s.apply(list(pod('moved', { deviceClaim: 'disk', node: other })));
    await s.ready('moved');
    assert.equal(await s.exec('moved', 'head -n 1 /dev/data'), 'written by disk');
    assert.equal(await s.exec('moved', 'blockdev --getsize64 /dev/data'), String(2048 * mebibyte));
  }),
  scenario('an ext4 of a pod without root has a hard size, and grows while it is used', async (s) => {
    await s.example('hard-size');
    await s.ready('cashbook');
    const size = async () => Number(await s.exec('cashbook', "df -m /data | awk 'END { print $2 }'"));
    assert.ok((await size()) < 1024);
    assert.equal(await s.exec('cashbook', 'stat -c %g /data/visits'), '2000');
    // More than there is: it is the pod's own disk that is full.
    await assert.rejects(s.exec('cashbook', 'fallocate -l 1100M /data/large'), /No space left/);
    await grow(s, 'cashbook', '2Gi');
    await s.exec(
      'cashbook',
      "until [ $(df -m /data | awk 'END { print $2 }') -gt 1500 ]; do sleep 0.5; done",
    );
    await s.exec('cashbook', 'rm -f /data/large && fallocate -l 1100M /data/large && rm /data/large');
    assert.equal(await s.value(['pod', 'cashbook'], '{.status.containerStatuses[0].restartCount}'), '0');
  }),
  scenario('pods on both nodes read an image, and none can write to it', async (s) => {
    await makeImage(s, '/srv/export/golden/tools.img', 'hammer');
    await s.example('image-for-many-readers', {
      'namespace: default': `namespace: ${s.namespace}`,
      'replicas: 4': 'replicas: 2',
    });
    const pods = await s.readyPods('app=workshops', 2);
    const nodes = await Promise.all(pods.map((name) => s.nodeOf(name)));
    assert.deepEqual(new Set(nodes), new Set(['a', 'b']));
    for (const name of pods) {
      assert.equal(await s.exec(name, 'cat /tools/file'), 'hammer');
      await assert.rejects(s.exec(name, 'touch /tools/mine'), /Read-only file system/);
    }
  }),
  scenario('a static image is used with what is on it, and stays when its claim goes', async (s) => {
    await makeImage(s, '/srv/export/company/archive.img', 'minutes');
    await s.example('static-image', { 'namespace: default': `namespace: ${s.namespace}` });
    await s.ready('company-archive');
    assert.equal(await s.exec('company-archive', 'cat /data/file && echo more > /data/other'), 'minutes');
    await s.run(['delete', 'pod,pvc', 'company-archive']);
    await s.kubectl.until(['pv', 'company-archive'], '{.status.phase}', 'Released');
    await s.kubectl.run(['delete', 'pv', 'company-archive']);
    const { server } = s.cluster;
    assert.match(
      await server.run('debugfs -R "ls -p /" /srv/export/company/archive.img 2>/dev/null'),
      /\/other\//,
    );
  }),
  scenario('pods on both nodes write to one raw device', async (s) => {
    await s.example('shared-disk');
    const pods = await s.readyPods('app=shared-disk', 2);
    const nodes = await Promise.all(pods.map((name) => s.nodeOf(name)));
    assert.deepEqual(new Set(nodes), new Set(['a', 'b']));
    const read = 'dd if=/dev/shared bs=4096 count=2 iflag=direct status=none';
    for (const name of pods)
      for (const other of pods)
        await s.exec(name, `until ${read} | grep -q '^${other} was here'; do sleep 0.5; done`);
  }),
  scenario('an xfs has its space reserved on the server, also what it grows by', async (s) => {
    await s.example('reserved-space');
    const volume = await s.bound('journal');
    await s.ready('journal');
    assert.match(await s.exec('journal', 'grep " /data " /proc/mounts'), /^\/dev\/loop\d+ \/data xfs /);
    const image = `${await pathOf(s.kubectl, volume)}/disk.img`;
    const reserved = async () => Number(await s.cluster.server.run(`stat -c %b ${image}`)) * 512;
    assert.ok((await reserved()) >= 512 * mebibyte);
    await grow(s, 'journal', '640Mi');
    assert.ok((await reserved()) >= 640 * mebibyte);
    await s.exec('journal', "until [ $(df -m /data | awk 'END { print $2 }') -gt 520 ]; do sleep 0.5; done");
    assert.equal(await s.value(['pod', 'journal'], '{.status.containerStatuses[0].restartCount}'), '0');
  }),
];

/** A disk of a node under a name that the upgrade's config allows; returns what takes it out again. */
async function putInDisk(node: Machine, name: string, content: string): Promise<() => Promise<unknown>> {
  const file = `/tmp/${name}`;
  const link = `/dev/disk/by-id/${name}`;
  await node.run(
    `truncate -s 64M ${file} && ${content} && mkdir -p /dev/disk/by-id && ln -s $(losetup --find --show ${file}) ${link}`,
  );
  // Fails where somebody still has it.
  return () => node.run(`losetup --detach $(readlink ${link}) && rm ${link} ${file}`);
}

/** Comes after the upgrade, which allows such devices. */
export const staticDevice = scenario('a device of a node is given to a pod as it is', async (s) => {
  const node = s.cluster.nodes.a;
  const name = 'wwn-0x5000c500a0b1c2d3';
  const takeOut = await putInDisk(node, name, 'true');
  await s.example('static-device', {
    'namespace: default': `namespace: ${s.namespace}`,
    'values: [node-1, node-2]': 'values: [a]',
  });
  await s.ready('lun-7');
  await s.exec('lun-7', 'echo "written by a pod" | dd of=/dev/lun conv=notrunc,fsync');
  assert.equal(await node.run(`head -n 1 /tmp/${name}`), 'written by a pod');
  await s.run(['delete', 'pod', 'lun-7']);
  await s.gone(['pod', 'lun-7']);
  await s.run(['delete', 'pvc', 'lun-7']);
  await s.kubectl.run(['delete', 'pv', 'lun-7']);
  await takeOut();
});

export const staticDisk = scenario('the filesystem on a device of a node is mounted as it is', async (s) => {
  const name = 'wwn-0x5000c500a0b1c2d4';
  const content = `mkdir /tmp/films && touch /tmp/films/metropolis && mkfs.ext4 -q -d /tmp/films /tmp/${name} && rm -r /tmp/films`;
  const takeOut = await putInDisk(s.cluster.nodes.a, name, content);
  await s.example('static-disk', {
    'namespace: default': `namespace: ${s.namespace}`,
    'values: [node-1]': 'values: [a]',
  });
  await s.ready('films');
  assert.match(await s.exec('films', 'ls /data'), /^metropolis$/m);
  await s.run(['delete', 'pod', 'films']);
  await s.gone(['pod', 'films']);
  await s.run(['delete', 'pvc', 'films']);
  await s.kubectl.run(['delete', 'pv', 'films']);
  await takeOut();
});
