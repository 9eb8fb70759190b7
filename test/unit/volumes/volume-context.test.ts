import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/load.ts';
import { locateVolume } from '../../../src/volumes/volume-context.ts';

const { pools: one } = parseConfig('pools: { nas: { local: { path: /a } } }', 'c.yaml');
const { pools: two } = parseConfig(
  'pools: { archive: { local: { path: /b } }, nas: { local: { path: /a } } }',
  'c.yaml',
);

test('who has a device is put down on the only pool', () => {
  assert.equal(locateVolume('lun', { device: '/dev/sdb' }, one).pool.name, 'nas');
});

test('of several pools a device has to name one, so that a further pool changes nothing', () => {
  assert.equal(locateVolume('lun', { device: '/dev/sdb', pool: 'nas' }, two).pool.name, 'nas');
  assert.throws(
    () => locateVolume('lun', { device: '/dev/sdb' }, two),
    /set "pool" beside "device" to one of archive, nas/,
  );
});
