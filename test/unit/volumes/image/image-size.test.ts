import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilesystemType } from '../../../../src/host/filesystem.ts';
import { imageSize } from '../../../../src/volumes/image/image-size.ts';

const mebibyte = 1024n * 1024n;

const sizes: readonly [
  what: string,
  required: bigint,
  limit: bigint,
  fsType: FilesystemType | undefined,
  size: bigint,
][] = [
  ['whole blocks stay as they are', 8192n, 0n, undefined, 8192n],
  ['a part of a block becomes a whole one', 8193n, 0n, undefined, 12288n],
  ['a limit that forbids that gives exactly what is required', 8193n, 8193n, undefined, 8193n],
  ['a limit in between gives exactly what is required', 8193n, 12287n, undefined, 8193n],
  ['nothing asked for is a gibibyte', 0n, 0n, 'ext4', 1024n * mebibyte],
  ['nothing but a limit gives the limit', 0n, 100n * mebibyte, 'ext4', 100n * mebibyte],
  ['less than a filesystem needs becomes that', 1n, 0n, 'ext4', 16n * mebibyte],
  ['and for xfs', 1n, 0n, 'xfs', 300n * mebibyte],
  ['a single byte is a block', 1n, 0n, undefined, 4096n],
];

for (const [what, required, limit, fsType, size] of sizes) {
  test(what, () => assert.equal(imageSize({ required, limit }, fsType), size));
}

test('what no file can have is refused, and the largest file is not', () => {
  const largest = 2n ** 53n - 4096n;
  assert.equal(imageSize({ required: largest, limit: 0n }, 'xfs'), largest);
  for (const required of [largest + 1n, 2n ** 63n - 1n])
    assert.throws(() => imageSize({ required, limit: 0n }, undefined), /at most 9007199254736896 bytes/);
});

test('a limit below what a filesystem needs is refused, with both figures', () => {
  assert.throws(() => imageSize({ required: 1n, limit: 299n * mebibyte }, 'xfs'), {
    reason: 'size-out-of-range',
    message: /at least 314572800 bytes, and the limit asked for is 313524224/,
  });
});
