import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import type { FilesystemType } from '../../host/filesystem.ts';

const mebibyte = 1024n * 1024n;

/** A device has whole blocks; these are as large as a page, which ext4 and xfs use too. */
const blockSize = 4096n;

/** What a request gets that names no size (CSI CreateVolume: "an unspecified capacity"). */
const defaultSize = 1024n * mebibyte;

/** The least that the makers take: mkfs.xfs refuses less, and ext4 has no journal below. */
const smallest: Readonly<Record<FilesystemType | 'raw', bigint>> = {
  raw: blockSize,
  ext4: 16n * mebibyte,
  xfs: 300n * mebibyte,
};

/** The last whole block below what node:fs can be told as a size (2^53); no file system of a NAS has larger files. */
const largest = 2n ** 53n - blockSize;

export interface SizeRange {
  readonly required: bigint;
  /** 0: none. */
  readonly limit: bigint;
}

/**
 * The size of a new image, in bytes: what is asked for, in whole blocks as far as the limit allows that. Throws
 * OUT_OF_RANGE where a filesystem needs more than the limit, and for what no file can have.
 */
export function imageSize({ required, limit }: SizeRange, fsType: FilesystemType | undefined): bigint {
  const least = smallest[fsType ?? 'raw'];
  const asked = required === 0n ? defaultSize : required;
  if (asked > largest) {
    throw new CsiError(
      status.OUT_OF_RANGE,
      'size-out-of-range',
      `An image has at most ${largest} bytes, and ${asked} are asked for; ask for less.`,
    );
  }
  const rounded = ((asked + blockSize - 1n) / blockSize) * blockSize;
  const size = rounded < least ? least : rounded;
  if (limit === 0n || size <= limit) return size;
  if (limit < least) {
    throw new CsiError(
      status.OUT_OF_RANGE,
      'size-out-of-range',
      `An image with ${fsType ?? 'a raw device'} has at least ${least} bytes, and the limit asked for is ${limit}; ask for more.`,
    );
  }
  return required > least ? required : limit;
}
