// What users put into values, and what the chart makes of it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { parse } from 'yaml';
import { requireGoTool } from '../setup/go-tools.ts';
import {
  chart,
  containerOf,
  objectsOf,
  ofKind,
  runHelm,
  type StorageClass,
  template,
  twoValues,
  workloads,
} from './helm.ts';
import { readStrictly, requireGo } from './strict.ts';

test('every spelling of a server and a path is taken', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const [server, path] of [
    ['nas.example.com', '/'],
    ['10.0.0.5', '/srv//k8s/'],
    ['fd00::5', '/.hidden/..data/a.b'],
    ['[fd00::5]', '/srv/three...dots and a space'],
  ]) {
    const values = ['--set', `nfs.server=${server}`, '--set', `nfs.path=${path}`];
    assert.notEqual(objectsOf(await template(values)).length, 0);
  }
});

test('large numbers of a values file arrive as they are', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const numbers = [
    'storageClasses.berth.parameters={"uid":1000660000,"gid":1000000}',
    'node.maxVolumes=1000000',
  ];
  const objects = objectsOf(
    await template([...twoValues, ...numbers.flatMap((number) => ['--set-json', number])]),
  );
  const { uid, gid } = ofKind<StorageClass>(objects, 'StorageClass')[0]?.parameters ?? {};
  assert.deepEqual([uid, gid], ['1000660000', '1000000']);
  const { args } = containerOf(workloads(objects).node, 'berth');
  assert.ok(args.includes('--max-volumes-per-node=1000000'), args.join(' '));
});

test('an image is named by a tag, or by a digest', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const digest = `sha256:${'0'.repeat(64)}`;
  for (const [flags, image] of [
    [[], 'ghcr.io/berth-csi/berth:0.1.0'],
    [['--set', 'image.tag=next'], 'ghcr.io/berth-csi/berth:next'],
    [['--set', `image.digest=${digest}`], `ghcr.io/berth-csi/berth@${digest}`],
  ] as const) {
    const { node } = workloads(objectsOf(await template([...twoValues, ...flags])));
    assert.equal(containerOf(node, 'berth').image, image);
  }
});

test('the claim in the notes can be pasted into a shell', async (t) => {
  if (!(await requireGoTool(t, 'helm 4')) || !(await requireGo(t))) return;
  const blocks = ['--set', 'storageClasses.berth=null', '--set', 'storageClasses.berth-block.default=true'];
  for (const [flags, mode] of [
    [[], 'ReadWriteMany'],
    [blocks, 'ReadWriteOnce'],
  ] as const) {
    const options = ['--dry-run=client', ...twoValues, ...flags];
    const { stdout } = await runHelm(['install', 'berth', chart, ...options]);
    const [commands] = /^ {2}kubectl create -f - <<.*?^CLAIM$/ms.exec(stdout) ?? [];
    // What kubectl would be given.
    const script = `kubectl() { cat; }\n${commands}\n`;
    const given = await execa('sh', ['-e'], { input: script, timeout: 10_000 });
    assert.equal(given.stderr, '');
    assert.match(given.stdout, new RegExp(`accessModes: \\[${mode}\\]`));
    const [made] = await readStrictly(given.stdout);
    assert.equal(made, 'PersistentVolumeClaim first');
  }
});

test('a value that is set to null is the default, none, or refused by its name', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const values = parse(await readFile(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>;
  const names = Object.entries(values).flatMap(([name, value]) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? [name, ...Object.keys(value).map((key) => `${name}.${key}`)]
      : [name],
  );
  const pool = ['--set', 'pools.disk.nfs.server=a', '--set', 'pools.disk.nfs.path=/b'];
  for (const name of names.filter((each) => each !== 'pools')) {
    const { exitCode, stdout, stderr } = await runHelm([
      ...['template', 'berth', chart, ...pool, '--set', `${name}=null`],
    ]);
    if (exitCode === 0) assert.doesNotMatch(stdout, /nil|no value/, name);
    else assert.match(stderr, new RegExp(`missing property '${name.split('.').at(-1)}'`), name);
  }
});
