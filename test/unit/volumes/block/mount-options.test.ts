import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesystemOptionProblem } from '../../../../src/volumes/block/mount-options.ts';

for (const option of [
  'noatime',
  'discard',
  'data=writeback',
  'commit=30',
  'logbsize=256k',
  'errors=remount-ro',
]) {
  test(`${option} may be used`, () => assert.equal(filesystemOptionProblem(option), undefined));
}

// They name other files and devices, or say more than one option, or what Berth itself decides.
const refused = [
  'logdev=/dev/sda',
  'journal_path=/etc',
  'loop',
  'offset=4096',
  'ro',
  'ro,loop',
  'data=x',
  'commit=',
  '=1',
  '',
];
for (const option of refused) {
  test(`"${option}" is refused`, () =>
    assert.match(filesystemOptionProblem(option) ?? '', /^the mount option /));
}
