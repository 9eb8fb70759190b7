import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readParameters } from '../../src/volumes/parameters.ts';
import { requireGoTool } from '../setup/go-tools.ts';
import { makeMachine } from '../support/driver.ts';
import { allWays, allWorkloads, chart, containerOf, objectsOf, template } from './helm.ts';

interface ValuesSchema {
  readonly $defs: {
    readonly storageClass: {
      readonly properties: { readonly parameters: { readonly properties: Readonly<Record<string, object>> } };
    };
  };
}

test('the driver has every flag that the chart gives it', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const machine = await makeMachine(t);
  for (const { what, flags } of allWays) {
    const objects = objectsOf(await template(flags));
    for (const workload of allWorkloads(objects)) {
      const [mode = '', ...given] = containerOf(workload, 'berth').args;
      const help = await machine.run([mode, '--help']);
      assert.ok(given.length >= 6, what);
      for (const flag of given.map((arg) => arg.split('=', 1)[0] ?? '')) {
        assert.ok(help.includes(`  ${flag} <`), `${what}: berth ${mode} has no ${flag}`);
      }
    }
  }
});

test('values.schema.json knows every parameter of a class', async () => {
  const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8')) as ValuesSchema;
  const known = Object.keys(schema.$defs.storageClass.properties.parameters.properties);
  assert.throws(
    () => readParameters({ unknown: '' }, 'pvc-1'),
    (error: Error) => {
      const [, list = ''] = error.message.match(/allowed are (.*?)\.?$/) ?? [];
      const allowed = list.split(', ');
      assert.deepEqual(known.sort(), allowed.sort(), error.message);
      return true;
    },
  );
});
