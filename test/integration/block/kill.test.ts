// A driver that is killed before and after each command of a stage and an unstage: the retry of another one completes.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { mebibyte } from '../../support/image-file.ts';
import { type Bed, ext4, inUse, makeBed, raw, type Volume, xfs } from './fixture.ts';

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
  const isRaw = (await stat(volume.target)).isBlockDevice();
  const handle = await open(isRaw ? volume.target : join(volume.target, 'file'), 'a');
  await handle.close();
}

async function proveGone(bed: Bed): Promise<void> {
  assert.deepEqual([bed.loops(), bed.mounts(), await inUse(bed.pool)], [[], [], []]);
}

/** The kinds of block volumes, and how one of each comes to be. */
const kinds: Readonly<Record<string, (bed: Bed, name: string) => Promise<Volume>>> = {
  ext4: (bed, name) => bed.volume(name, ext4, 64 * mebibyte),
  xfs: (bed, name) => bed.volume(name, xfs, 320 * mebibyte),
  raw: (bed, name) => bed.volume(name, raw, 64 * mebibyte),
  'an image that was there': async (bed, name) => {
    const file = join(bed.pool, `${name}.img`);
    await writeFile(file, '');
    await truncate(file, 64 * mebibyte);
    await execa`mkfs.ext4 -q ${file}`;
    return bed.existing(name, ext4, { pool: 'scratch', image: `${name}.img` });
  },
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`a stage of ${kind} is completed by the retry, wherever the driver was killed`, async (t) => {
    const { bed, dying, commands } = await makeMortal(t);
    const probe = await make(bed, 'probe');
    await probe.attach();
    const total = await commands(() => probe.stage());
    assert.ok(total >= 4, `${total} commands`);
    await probe.unstage();
    for (let at = 1; at <= total; at += 1) {
      for (const when of ['before', 'after']) {
        const volume = await make(bed, `${when}-${at}`);
        await volume.attach();
        await dying(at, when, () => volume.stage());
        await volume.stage();
        await proveWhole(bed, volume);
        await volume.down();
        await proveGone(bed);
        if (kind !== 'raw' && kind !== 'xfs') await execa`e2fsck -f -n ${volume.file}`;
        if (kind === 'xfs') await execa`xfs_repair -n ${volume.file}`;
      }
    }
    await probe.detach();
  });
}

test('a stage whose retry fails for good leaves nothing, wherever the driver was killed', async (t) => {
  const { bed, dying, commands } = await makeMortal(t);
  const make = (name: string) => bed.volume(name, ext4, 64 * mebibyte);
  const probe = await make('probe');
  await probe.attach();
  const total = await commands(() => probe.stage());
  await probe.unstage();
  let failures = 0;
  for (let at = 1; at <= total; at += 1) {
    for (const when of ['before', 'after']) {
      const volume = await make(`${when}-${at}`);
      await volume.attach();
      await dying(at, when, () => volume.stage());
      // Killed after it was mounted, it cannot fail any more.
      if (bed.mounts().length > 0) await volume.unstage();
      else {
        await execa`mount -t tmpfs in-the-way ${volume.staging}`;
        await assert.rejects(volume.stage(), /something else is mounted there/);
        await execa`umount ${volume.staging}`;
        failures += 1;
      }
      await proveGone(bed);
      await volume.detach();
    }
  }
  assert.ok(failures >= total, `${failures} failures of ${total} commands`);
  await probe.detach();
});

for (const [type, wish] of Object.entries({ ext4, raw })) {
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
        await proveGone(bed);
        if (type === 'ext4') await execa`e2fsck -f -n ${volume.file}`;
      }
    }
    await volume.detach();
  });
}

// Read-only it is the most that a publish does: a bind aside, with its flags, which is bound to the target.
for (const [what, wish, readonly] of [
  ['ext4', ext4, false],
  ['ext4, read-only', ext4, true],
  ['raw', raw, false],
  ['raw, read-only', raw, true],
] as const) {
  test(`a publish and an unpublish of ${what} are completed by the retry, wherever the driver was killed`, async (t) => {
    const { bed, dying, commands } = await makeMortal(t);
    const volume = await bed.volume('pvc-1', wish, 64 * mebibyte);
    const publish = () => volume.publish({ readonly });
    await volume.attach();
    await volume.stage();
    const staged = bed.mounts();
    const totals = [await commands(publish), await commands(() => volume.unpublish())];
    assert.deepEqual(
      totals.filter((total) => total === 0),
      [],
      'each runs a command',
    );
    for (const [call, total] of [
      ['publish', totals[0]],
      ['unpublish', totals[1]],
    ] as const) {
      for (let at = 1; at <= (total ?? 0); at += 1) {
        for (const when of ['before', 'after']) {
          if (call === 'publish') await dying(at, when, publish);
          await publish();
          assert.deepEqual(bed.mounts().sort(), [...staged, volume.target].sort());
          if (call === 'unpublish') await dying(at, when, () => volume.unpublish());
          await volume.unpublish();
          assert.deepEqual([bed.mounts(), existsSync(volume.target)], [staged, false]);
          assert.equal(bed.loops().length, 1);
        }
      }
    }
    await volume.unstage();
    await volume.detach();
    await proveGone(bed);
  });
}
