// Two controllers that make one image larger, of which one was cut off for a while.
import assert from 'node:assert/strict';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { growImage } from '../../../src/volumes/image/image-file.ts';
import { killedAt, openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';

test('a growth that is late never makes an image smaller than another call has made it, nor touches its data', async (t) => {
  const directory = await temporaryDirectory(t);
  const { tree } = await openTree(t, directory);
  const file = join(directory, 'disk.img');
  const grow = (through: typeof tree, size: bigint) => growImage(through, 'disk.img', { size, thick: false });
  await writeFile(file, Buffer.alloc(4096));
  const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
  await grow(whole.tree, 8192n);
  assert.equal((await stat(file)).size, 8192);
  for (let step = 1; step <= whole.count.calls; step += 1) {
    await writeFile(file, Buffer.alloc(4096));
    const late = pausedAt(tree, step);
    const growth = grow(late.tree, 8192n);
    await late.reached;
    await appendFile(file, Buffer.alloc(8192, 'data'));
    const before = await readFile(file);
    late.go();
    await growth;
    assert.deepEqual(await readFile(file), before, `step ${step}`);
  }
});
