import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOfBlock, readAttachedBlock } from '../../../../src/volumes/block/publish-context.ts';
import { staticKeyOf } from '../../../../src/volumes/volume-id.ts';
import { volumeRecord } from '../../../support/volume-record.ts';

test('the node reads what the controller wrote', () => {
  const record = volumeRecord({
    name: 'pvc-1',
    subDir: 'team/a',
    image: { fsType: 'xfs', file: 'disk-abcdefgh.img' },
  });
  assert.deepEqual(readAttachedBlock('nas/pvc-1', contextOfBlock('pvc-1', undefined, record)), {
    key: 'pvc-1',
    image: 'team/a/disk-abcdefgh.img',
    version: `${record.id}/disk-abcdefgh.img`,
    format: 'xfs',
    size: record.capacity,
  });
});

test('of a volume that was there before nothing may be made', () => {
  const key = staticKeyOf('own');
  for (const image of ['own.img', undefined]) {
    const { format, size, version } = readAttachedBlock('own', contextOfBlock(key, image, undefined));
    assert.deepEqual([format, size, version], [undefined, 0n, undefined]);
  }
});

const right = { key: 'pvc-1', image: 'pvc-1/disk.img', size: '4096', format: 'ext4' };
const wrong: Record<string, Record<string, string>> = {
  'no context': {},
  'a key that leads elsewhere': { ...right, key: '../../etc' },
  'an image that leads elsewhere': { ...right, image: '../disk.img' },
  'an image of Berth’s own': { ...right, image: '.berth/volumes/x' },
  'a size that is none': { ...right, size: '-1' },
  'a filesystem that is not made': { ...right, format: 'ext4 -F' },
};

for (const [what, context] of Object.entries(wrong)) {
  test(`${what} is refused`, () => {
    assert.throws(() => readAttachedBlock('nas/pvc-1', context), { reason: 'volume-not-attached' });
  });
}
