// A driver that is killed before and after each command of a stage and an unstage: the retry of another one completes.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { mebibyte } from '../../support/image-file.ts';
import { type Bed, ext4, inUse, makeBed, raw, type Volume } from './fixture.ts';

const hook = fileURLToPath(new URL('../../support/kill-at-command.ts', import.meta.url));

interface Mortal {
  readonly bed: Bed;
  /** The driver dies in this work, at its nth command. */
  dying(at: number, when: string, work: () => Promise<unknown>): Promise<void>;
  /** How many commands some work runs. */
  commands(work: () => Promise<unknown>): Promise<number>;
}

async function makeMortal(t: TestContext): Promise<Mortal> {
  const bed = await makeBed(t);
  const plan = join(bed.machine.directory, 'kill');
  const prefix = ['env', `NODE_OPTIONS=--import=${hook}`, `KILL_AT_COMMAND=${plan}`];
  const planned = async (text: string, work: () => Promise<void>) => {
    await bed.crash({ prefix });
    await writeFile(plan, text);
    await work();
    await rm(plan);
  };
  return {
    bed,
    async dying(at, when, work) {
      await planned(`${at} ${when}`, async () => {
        await assert.rejects(work());
        assert.equal(await bed.driver.end('SIGKILL'), null);
      });
      await bed.crash();
    },
    async commands(work) {
      await planned('never', async () => {
        await work();
      });
      const count = Number(await readFile(`${plan}.count`, 'utf8'));
      await rm(`${plan}.count`);
      await bed.crash();
      return count;
    },
  };
}

async function proveWhole(bed: Bed, volume: Volume): Promise<void> {
  assert.equal(bed.loops().length, 1, 'one loop device');
  await volume.publish();
  const handle = await open(
    existsSync(join(volume.target, 'lost+found')) ? join(volume.target, 'file') : volume.target,
    'a',
  );
  await handle.close();
}

async function proveGone(bed: Bed, volume: Volume): Promise<void> {
  assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
  if (volume.id.endsWith('ext4')) await execa`e2fsck -f -n ${volume.file}`;
}

for (const [type, wish] of Object.entries({ ext4, raw })) {
  test(`a stage of ${type} is completed by the retry, wherever the driver was killed`, async (t) => {
    const { bed, dying, commands } = await makeMortal(t);
    const probe = await bed.volume(`probe-${type}`, wish, 64 * mebibyte);
    await probe.attach();
    const total = await commands(() => probe.stage());
    assert.ok(total >= 4, `${total} commands`);
    await probe.unstage();
    for (let at = 1; at <= total; at += 1) {
      for (const when of ['before', 'after']) {
        const volume = await bed.volume(`${when}-${at}-${type}`, wish, 64 * mebibyte);
        await volume.attach();
        await dying(at, when, () => volume.stage());
        await volume.stage();
        await proveWhole(bed, volume);
        await volume.down();
        await proveGone(bed, volume);
      }
    }
    await probe.detach();
  });

  test(`an unstage of ${type} is completed by the retry, wherever the driver was killed`, async (t) => {
    const { bed, dying, commands } = await makeMortal(t);
    const volume = await bed.volume(`volume-${type}`, wish, 64 * mebibyte);
    await volume.attach();
    await volume.stage();
    const total = await commands(() => volume.unstage());
    assert.ok(total >= 2, `${total} commands`);
    for (let at = 1; at <= total; at += 1) {
      for (const when of ['before', 'after']) {
        await volume.stage();
        await dying(at, when, () => volume.unstage());
        await volume.unstage();
        await proveGone(bed, volume);
      }
    }
    await volume.detach();
  });
}
