import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { build, type Plugin } from 'esbuild';
import { lateBuiltins } from '../../../scripts/bundle/late-builtins.ts';
import { withoutReflection } from '../../../scripts/bundle/without-reflection.ts';
import { arriving } from '../wire/arriving.ts';

/** Bundles a source that is in the repository's root, runs it, and gives its exports. */
async function bundled(source: string, plugin: Plugin, load: (id: string) => unknown): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: `${import.meta.dirname}/../../..`, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    plugins: [plugin],
  });
  const module = { exports: {} };
  const run: unknown = new Script(
    `(function (require, module, exports) {${outputFiles[0]?.text}})`,
  ).runInThisContext();
  (run as (...parts: unknown[]) => void)(load, module, module.exports);
  return module.exports;
}

test('a late module is loaded when something of it is first used, and is the real one', async () => {
  const loaded = new Set<string>();
  const require = createRequire(import.meta.url);
  const source = `
    const zlib = require('zlib');
    export const packed = () => zlib.gunzipSync(zlib.gzipSync('text')).toString();`;
  const { packed } = (await bundled(source, lateBuiltins, (id) => {
    loaded.add(id);
    return require(id);
  })) as { packed: () => string };
  assert.equal(loaded.size, 0);
  assert.equal(packed(), 'text');
  assert.ok(loaded.has('node:zlib'));
});

test('without reflection a message is encoded and decoded as with it, and is not described', async () => {
  const source = `
    export { services } from './src/wire/csi.ts';
    export { arriving } from './test/unit/wire/arriving.ts';`;
  const { services, ...bundle } = (await bundled(
    source,
    withoutReflection,
    createRequire(import.meta.url),
  )) as { services: { Controller: { CreateVolume: object } }; arriving: typeof arriving };
  const path = '/csi.v1.Controller/CreateVolume';
  const request = { name: 'v', capacity_range: { required_bytes: '5' }, parameters: { subDir: 'a' } };
  assert.deepEqual(bundle.arriving(path, request), arriving(path, request));
  assert.partialDeepStrictEqual(services.Controller.CreateVolume, {
    requestType: { fileDescriptorProtos: [] },
  });
});
