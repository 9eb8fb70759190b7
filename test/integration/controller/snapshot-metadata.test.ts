// Which blocks of a raw device's snapshots have data, and which differ, as a backup program asks for them.
import assert from 'node:assert/strict';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { type Driver, makeMachine } from '../../support/driver.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { withPools } from './local-pools.ts';

const kibibyte = 1024;
const mebibyte = 1024 ** 2;
type Range = readonly [offset: number, length: number];

/** A driver with a raw volume of 64 MiB, and what a test does with its snapshots. */
async function makeVolume(t: TestContext, type: 'xfs' | 'ext4' = 'xfs') {
  const { path: pool } = await loopFilesystem(t, type);
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: await withPools(machine, { scratch: pool }) });
  const { csi } = driver;
  const volume = async (name: string) =>
    csi.Controller.CreateVolume({
      name,
      capacity_range: { required_bytes: 64 * mebibyte },
      volume_capabilities: [{ access_mode: { mode: 'SINGLE_NODE_WRITER' }, block: {} }],
    });
  await volume('disk');
  const image = join(pool, 'disk/disk.img');
  return {
    csi,
    driver,
    volume,
    image,
    async write(...ranges: readonly (readonly [...Range, fill: number])[]): Promise<void> {
      const file = await open(image, 'r+');
      for (const [offset, length, fill] of ranges)
        await file.write(Buffer.alloc(length, fill), 0, length, offset);
      await file.sync();
      await file.close();
    },
    async snapshot(name: string, of = 'disk'): Promise<string> {
      const asked = { name, source_volume_id: `scratch/${of}` };
      await waitFor(
        `the snapshot ${name}`,
        async () => (await csi.Controller.CreateSnapshot(asked)).snapshot?.ready_to_use,
      );
      return `scratch/${name}`;
    },
    async allocated(id: string, more: object = {}): Promise<Range[]> {
      return rangesOf(csi.SnapshotMetadata.GetMetadataAllocated({ snapshot_id: id, ...more }));
    },
    async delta(base: string, target: string, more: object = {}): Promise<Range[]> {
      const ids = { base_snapshot_id: base, target_snapshot_id: target };
      return rangesOf(csi.SnapshotMetadata.GetMetadataDelta({ ...ids, ...more }));
    },
  };
}

interface Message {
  readonly block_metadata_type: unknown;
  readonly volume_capacity_bytes: string;
  readonly block_metadata: readonly { readonly byte_offset: string; readonly size_bytes: string }[];
}

/** All ranges; each message has the size, and each range begins after the end of the one before. */
async function rangesOf(stream: AsyncIterable<unknown>, most = 512): Promise<Range[]> {
  const ranges: Range[] = [];
  let end = -1;
  let messages = 0;
  for await (const each of stream) {
    const message = each as Message;
    messages += 1;
    assert.equal(message.block_metadata_type, 'VARIABLE_LENGTH');
    assert.ok(Number(message.volume_capacity_bytes) >= 64 * mebibyte);
    assert.ok(message.block_metadata.length <= most);
    for (const { byte_offset: offset, size_bytes: size } of message.block_metadata) {
      assert.ok(Number(offset) > end && Number(size) > 0, `${offset} after ${end}`);
      end = Number(offset) + Number(size) - 1;
      ranges.push([Number(offset), Number(size)]);
    }
  }
  assert.ok(messages > 0);
  return ranges;
}

/** What is left of the ranges from there on. */
function from(ranges: readonly Range[], start: number): Range[] {
  return ranges
    .filter(([offset, length]) => offset + length > start)
    .map(([offset, length]) => (offset >= start ? [offset, length] : [start, offset + length - start]));
}

for (const type of ['xfs', 'ext4'] as const) {
  test(`what has data is told of a snapshot, and what has changed of two: ${type}`, async (t) => {
    const { write, snapshot, allocated, delta, image } = await makeVolume(t, type);
    const empty = await snapshot('empty');
    assert.deepEqual(await allocated(empty), []);
    const two: Range[] = [
      [1 * mebibyte, 64 * kibibyte],
      [32 * mebibyte, 128 * kibibyte],
    ];
    await write(...two.map(([offset, length]) => [offset, length, 1] as const));
    const first = await snapshot('first');
    assert.deepEqual(await allocated(first), two);
    assert.deepEqual(await delta(empty, first), two);
    assert.deepEqual(await delta(first, first), []);

    // Written anew as it was, one block of it changed, a hole where data was, zeros where a hole was, the last byte.
    const last = 64 * mebibyte;
    await write(
      [1 * mebibyte, 64 * kibibyte, 1],
      [1 * mebibyte + 8 * kibibyte, 1, 2],
      [16 * mebibyte, 64 * kibibyte, 0],
      [last - 1, 1, 3],
    );
    await execa`fallocate --punch-hole --offset ${32 * mebibyte} --length ${64 * kibibyte} ${image}`;
    const second = await snapshot('second');
    const changed: Range[] = [
      [1 * mebibyte + 8 * kibibyte, 4 * kibibyte],
      [32 * mebibyte, 64 * kibibyte],
      [last - 4 * kibibyte, 4 * kibibyte],
    ];
    assert.deepEqual(await delta(first, second), changed);
    assert.deepEqual(await delta(second, first), changed);
    // It may be asked for in pieces.
    for (const start of [0, 1, 1 * mebibyte, 1 * mebibyte + 9 * kibibyte, 33 * mebibyte, last - 1]) {
      assert.deepEqual(await delta(first, second, { starting_offset: start }), from(changed, start));
      assert.deepEqual(await allocated(first, { starting_offset: start }), from(two, start));
    }
  });
}

test('no more ranges are in a message than were asked for, and all of them come', async (t) => {
  const { write, snapshot, csi } = await makeVolume(t);
  const ranges = Array.from({ length: 1_000 }, (_, index): Range => [index * 8 * kibibyte, 4 * kibibyte]);
  await write(...ranges.map(([offset, length]) => [offset, length, 7] as const));
  const id = await snapshot('many');
  assert.deepEqual(await rangesOf(csi.SnapshotMetadata.GetMetadataAllocated({ snapshot_id: id })), ranges);
  const base = await snapshot('same');
  await write(...ranges.map(([offset, length]) => [offset, length, 8] as const));
  const target = await snapshot('other');
  for (const most of [1, 7, 512, 100_000]) {
    const asked = { base_snapshot_id: base, target_snapshot_id: target, max_results: most };
    assert.deepEqual(
      await rangesOf(csi.SnapshotMetadata.GetMetadataDelta(asked), Math.min(most, 512)),
      ranges,
    );
  }
});

test('a volume that grew between two snapshots has changed where it has data beyond its old end', async (t) => {
  const { write, snapshot, delta, csi } = await makeVolume(t);
  const before = await snapshot('before');
  const larger = { required_bytes: 128 * mebibyte };
  await csi.Controller.ControllerExpandVolume({ volume_id: 'scratch/disk', capacity_range: larger });
  await write([96 * mebibyte, 4 * kibibyte, 1]);
  const after = await snapshot('after');
  assert.deepEqual(await delta(before, after), [[96 * mebibyte, 4 * kibibyte]]);
  // What is not there any more cannot be told of.
  assert.deepEqual(await delta(after, before), []);
});

test('what cannot be told of is refused, with what to ask for', async (t) => {
  const { snapshot, volume, csi, allocated, delta } = await makeVolume(t);
  const id = await snapshot('snap');
  await volume('other');
  const other = await snapshot('of-another', 'other');
  await csi.Controller.CreateVolume(request('directory'));
  const tree = await snapshot('tree', 'directory');
  assert.match(await refused(allocated('scratch/none'), code.notFound), /no snapshot scratch\/none/);
  assert.match(await refused(delta('scratch/none', id), code.notFound), /no snapshot/);
  assert.match(await refused(allocated(tree), code.invalid), /is of a directory/);
  assert.match(await refused(delta(id, other), code.invalid), /are of two volumes/);
  const beyond = { starting_offset: 64 * mebibyte };
  assert.match(await refused(allocated(id, beyond), code.range), /begin below its size/);
  assert.match(
    await refused(allocated(id, { starting_offset: -1 }), code.invalid),
    /starting_offset is negative/,
  );
  assert.match(await refused(allocated(id, { max_results: -1 }), code.invalid), /max_results/);
  assert.match(await refused(allocated(''), code.invalid), /snapshot_id/);
});

/** The programs that look at blocks for this driver, by their pids. */
async function lookers({ process: { pid } }: Driver): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number);
}

test('a caller who leaves, and a program that is killed, leave nothing behind', async (t) => {
  const { write, snapshot, csi, driver } = await makeVolume(t);
  const base = await snapshot('base');
  await write(
    ...Array.from({ length: 4_000 }, (_, index) => [index * 8 * kibibyte, 4 * kibibyte, 5] as const),
  );
  const target = await snapshot('target');
  const asked = { base_snapshot_id: base, target_snapshot_id: target, max_results: 1 };
  const call = csi.SnapshotMetadata.GetMetadataDelta(asked);
  for await (const _ of call) break;
  call.cancel();
  await waitFor('nobody looks any more', async () => (await lookers(driver)).length === 0);

  const killed = csi.SnapshotMetadata.GetMetadataDelta(asked);
  const ended = rangesOf(killed);
  const [pid = 0] = await waitFor('somebody looks', async () => {
    const found = await lookers(driver);
    return found.length > 0 && found;
  });
  // Not read on meanwhile, so it cannot have ended.
  killed.pause();
  process.kill(pid, 'SIGKILL');
  killed.resume();
  await refused(ended, code.internal);
  assert.equal((await csi.Identity.Probe({})).ready?.value, true);
});
