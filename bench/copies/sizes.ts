// How much is copied.
import { type PlannedFile, planLargeFiles, planSmallFiles } from './content.ts';

const mebibyte = 1024 ** 2;

export interface CopySizes {
  readonly sets: Readonly<Record<'small' | 'large', readonly PlannedFile[]>>;
  /** Of the image, and of the data in it, in bytes. */
  readonly image: number;
  readonly imageData: number;
  /** Of one pool, that are listed. */
  readonly snapshots: number;
}

export const usualSizes: CopySizes = {
  sets: { small: planSmallFiles(10_000), large: planLargeFiles(4, 64 * mebibyte) },
  image: 1024 * mebibyte,
  imageData: 256 * mebibyte,
  snapshots: 2_000,
};

export const quickSizes: CopySizes = {
  sets: { small: planSmallFiles(120), large: planLargeFiles(2, 2 * mebibyte) },
  image: 16 * mebibyte,
  imageData: 4 * mebibyte,
  snapshots: 20,
};
