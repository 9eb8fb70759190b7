import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { devicePathProblem, isWorldWide } from '../../src/volumes/device/device-path.ts';
import { readMutableParameters, readParameters } from '../../src/volumes/parameters.ts';
import { subDirProblem } from '../../src/volumes/sub-dir.ts';
import { type KubernetesObject, objectsOf, ofKind, type StorageClass } from './helm.ts';
import { readStrictly, requireGo } from './strict.ts';

const folder = resolve(import.meta.dirname, '../../deploy/examples');
const driver = 'csi.berth.dev';

interface AttributesClass extends KubernetesObject {
  readonly driverName: string;
  readonly parameters: Readonly<Record<string, string>>;
}

interface StaticVolume extends KubernetesObject {
  readonly spec: {
    readonly csi: { readonly driver: string; readonly volumeAttributes: Readonly<Record<string, string>> };
  };
}

const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
const examples = await Promise.all(
  names.map(async (name) => {
    const text = await readFile(join(folder, name), 'utf8');
    return { name, text, objects: objectsOf(text) };
  }),
);

test("Kubernetes' own types take every example", async (t) => {
  if (!(await requireGo(t))) return;
  const read = await readStrictly(examples.map(({ text }) => text).join('\n---\n'));
  assert.equal(read.length, examples.flatMap(({ objects }) => objects).length);
});

test('every example begins with what it shows, and is explained beside the others', async () => {
  const page = await readFile(join(folder, 'README.md'), 'utf8');
  for (const { name, text } of examples) {
    assert.match(text, /^# \S/, name);
    assert.ok(page.includes(`(${name})`), `README.md does not link ${name}`);
  }
  for (const [, link] of page.matchAll(/\]\(([^)/#]+\.yaml)\)/g))
    assert.ok(names.includes(link ?? ''), `README.md links ${link}`);
});

test('all examples can be applied side by side', () => {
  const all = examples.flatMap(({ objects }) =>
    objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
  );
  assert.equal(new Set(all).size, all.length, all.sort().join(', '));
});

test('the driver takes the classes and static volumes of every example', () => {
  const claim = {
    'csi.storage.k8s.io/pvc/name': 'claim',
    'csi.storage.k8s.io/pvc/namespace': 'default',
    'csi.storage.k8s.io/pv/name': 'pvc-1',
  };
  for (const { name, objects } of examples) {
    for (const { provisioner, parameters } of ofKind<StorageClass>(objects, 'StorageClass')) {
      assert.equal(provisioner, driver, name);
      assert.equal(readParameters({ ...parameters, ...claim }, 'pvc-1').pool, 'nas', name);
    }
    for (const { driverName, parameters } of ofKind<AttributesClass>(objects, 'VolumeAttributesClass')) {
      assert.equal(driverName, driver, name);
      readMutableParameters(parameters);
    }
    for (const { spec } of ofKind<StaticVolume>(objects, 'PersistentVolume')) {
      const { pool, subDir, image, device, ...more } = spec.csi.volumeAttributes;
      assert.deepEqual([spec.csi.driver, more], [driver, {}], name);
      if (device !== undefined) {
        assert.deepEqual([devicePathProblem(device), isWorldWide(device)], [undefined, true], name);
        continue;
      }
      assert.equal(pool, 'nas', name);
      assert.equal(subDirProblem(subDir ?? image ?? ''), undefined, name);
    }
  }
});
