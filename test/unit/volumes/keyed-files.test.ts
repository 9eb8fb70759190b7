import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeyedFiles } from '../../../src/volumes/keyed-files.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { temporaryDirectory } from '../../support/tree.ts';

test('the files are for their owner only, in a driver that has no umask', async (t) => {
  const umask = process.umask(0);
  cleanUp(t, () => process.umask(umask));
  const directory = join(await temporaryDirectory(t), 'binds');
  const files = new KeyedFiles(directory);
  files.write('made with the folder', 'a');
  files.write('made in it', 'b');
  assert.equal(files.read('made in it'), 'b');
  const modes = readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777);
  assert.deepEqual(modes, [0o600, 0o600]);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
});

test('what a killed driver was writing is no file', async (t) => {
  const directory = await temporaryDirectory(t);
  const files = new KeyedFiles(directory);
  files.write('one', 'old');
  const [name = ''] = readdirSync(directory);
  writeFileSync(join(directory, `${name}.new`), 'to');
  assert.deepEqual(files.all(), ['old']);
  assert.equal(files.read('one'), 'old');
  files.write('one', 'new');
  assert.deepEqual(readdirSync(directory), [name]);
  assert.equal(files.read('one'), 'new');
});
