import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageEntries } from '../../../src/node/get-volume-stats.ts';

const usage = {
  totalBytes: 10n,
  usedBytes: 6n,
  availableBytes: 3n,
  totalInodes: 7n,
  usedInodes: 2n,
  freeInodes: 5n,
};

test('a file system that claims more than a signed number of 64 bits holds has the most of it', () => {
  const [bytes, inodes] = usageEntries({ ...usage, totalBytes: 2n ** 64n, freeInodes: 2n ** 63n });
  assert.equal(bytes?.total, '9223372036854775807');
  assert.equal(inodes?.available, '9223372036854775807');
  assert.deepEqual(inodes, { unit: 'INODES', total: '7', used: '2', available: '9223372036854775807' });
});

test('a file system with more free than it has is not used at all', () => {
  const [bytes] = usageEntries({ ...usage, usedBytes: -5n });
  assert.deepEqual(bytes, { unit: 'BYTES', total: '10', used: '0', available: '3' });
});
