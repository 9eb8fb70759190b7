import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GrowingDevice, growDevice } from '../../../../src/volumes/block/grow-device.ts';
import { because } from '../../../support/volume-record.ts';

/** A device that takes these sizes, one after the other, as it is told to grow; the last one for good. */
function device(sizes: readonly bigint[], { file, required }: { file: bigint; required: bigint }) {
  let grown = 0;
  const made: GrowingDevice = {
    volumeId: 'nas/pvc-1',
    required,
    fileSize: async () => file,
    grow: async () => {
      grown += 1;
    },
    size: () => sizes[Math.min(grown, sizes.length) - 1] ?? 0n,
  };
  return { made, count: () => grown };
}

test('a device is made larger until it is as large as its file', async () => {
  const { made, count } = device([512n, 512n, 1024n], { file: 1024n, required: 1024n });
  await growDevice(made);
  assert.equal(count(), 3);
});

test('a file that this machine takes for smaller than it is to be is looked at again', async () => {
  const late = device([512n, 1024n], { file: 512n, required: 1024n });
  await growDevice(late.made);
  assert.equal(late.count(), 2);
});

test('a device that stays too small is no success', async () => {
  const { made } = device([512n], { file: 1024n, required: 1024n });
  await assert.rejects(growDevice(made), because('device-not-grown'));
});

test('what a file has beyond the last whole sector is not waited for', async () => {
  await growDevice(device([1024n], { file: 1500n, required: 1500n }).made);
});
