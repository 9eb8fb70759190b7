// Two controllers that make one volume at the same moment, as two provisioners or a retry on the other replica do.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { createDirectory } from '../../../src/volumes/directory/directory.ts';
import { killedAt, openTree, pausedAt, temporaryDirectory } from '../../support/tree.ts';
import { volumeRecord } from '../../support/volume-record.ts';

for (const [kind, subDir, image] of [
  ['of its own name', 'pvc', undefined],
  ['with a claim', 'team/data', undefined],
  ['with an image', 'pvc', {}],
] as const) {
  test(`a volume ${kind} that two make at once is one volume, wherever either is in between`, async (t) => {
    const directory = await temporaryDirectory(t);
    const { state, tree } = await openTree(t, directory);
    const record = volumeRecord({ name: 'pvc', subDir, id: 'AAAAAAAA', ...(image && { image }) });
    const whole = killedAt(tree, Number.POSITIVE_INFINITY, 'before');
    const create = (through: typeof tree) => createDirectory(state, through, 'pvc', record);
    const clear = async () => {
      await rm(join(directory, subDir.split('/')[0] ?? subDir), { recursive: true });
      for (const folder of ['volumes', 'paths']) {
        for (const name of await readdir(join(directory, '.berth', folder))) {
          await rm(join(directory, '.berth', folder, name));
        }
      }
    };
    await create(whole.tree);
    await clear();
    for (let first = 1; first <= whole.count.calls; first += 1) {
      // Close to each other is where they meet.
      for (let second = Math.max(1, first - 2); second <= first + 2; second += 1) {
        const where = `one waits before call ${first}, the other before call ${second}`;
        const one = pausedAt(tree, first);
        const two = pausedAt(tree, second);
        const makings = [];
        for (const { tree: through, reached } of [one, two]) {
          const making = create(through);
          // Looked at below; until then nobody waits for a refusal.
          making.catch(() => {});
          makings.push(making);
          await Promise.race([reached, making.catch(() => {})]);
        }
        one.go();
        await makings[0]?.catch(() => {});
        two.go();
        for (const made of await Promise.allSettled(makings)) {
          if (made.status === 'fulfilled') assert.deepEqual(made.value, record, where);
          // ABORTED is repeated by the sidecars; anything else would be final.
          else
            assert.ok(
              made.reason instanceof CsiError && made.reason.reason === 'volume-busy',
              `${where}: ${made.reason}`,
            );
        }
        assert.deepEqual(await create(tree), record, where);
        assert.equal(statSync(join(directory, subDir)).mode & 0o7777, record.mode, where);
        const files = await readdir(join(directory, subDir));
        assert.deepEqual(files, image === undefined ? [] : ['disk.img'], where);
        await clear();
      }
    }
  });
}
