import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { manifestFile, renderManifests } from '../../scripts/manifests/render.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readParameters } from '../../src/volumes/parameters.ts';
import { requireGoTool } from '../setup/go-tools.ts';
import { objectsOf, ofKind, type StorageClass } from './helm.ts';
import { readStrictly, requireGo } from './strict.ts';

const folder = dirname(manifestFile);

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: readonly string[] }[];
}

test('the plain manifests are what the chart renders now', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const committed = await readFile(manifestFile, 'utf8');
  assert.equal(committed, await renderManifests(), 'run `npm run manifests`');
});

test("Kubernetes' own types take the plain manifests", async (t) => {
  if (!(await requireGo(t))) return;
  for (const file of ['berth.yaml', 'namespace.yaml']) {
    const text = await readFile(join(folder, file), 'utf8');
    assert.equal((await readStrictly(text)).length, objectsOf(text).length);
  }
});

test('kustomization.yaml makes the ConfigMap that the pods mount, of a config that the driver takes', async () => {
  const text = await readFile(join(folder, 'kustomization.yaml'), 'utf8');
  const { resources, configMapGenerator } = parse(text) as Kustomization;
  assert.deepEqual(resources, ['namespace.yaml', 'berth.yaml']);
  assert.deepEqual(
    configMapGenerator.map(({ name, files }) => [name, files]),
    [['berth', ['config.yaml']]],
  );
  const { pools } = loadConfig(join(folder, 'config.yaml'));
  const manifests = await readFile(manifestFile, 'utf8');
  assert.match(manifests, /configMap:\n\s+name: berth\n/);
  for (const { parameters } of ofKind<StorageClass>(objectsOf(manifests), 'StorageClass'))
    assert.ok(pools.has(readParameters(parameters, 'pvc-1').pool ?? ''));
});
