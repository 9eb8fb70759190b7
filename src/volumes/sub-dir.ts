import { randomBytes } from 'node:crypto';

/** The directory in which Berth keeps its own state on a pool; no volume may be there. */
export const stateDirName = '.berth';

/** The one file of a new image volume, in the directory that else would be the volume. */
export const imageName = 'disk.img';

/** Whether it is that, or the file that has taken its place (image/fence.ts). */
export function isImageName(name: string): boolean {
  return name === imageName || isCopyName(name);
}

/** A name that no other call knows, for a file that is to take its place, or to go. */
export function newCopyName(): string {
  return `disk-${randomBytes(6).toString('base64url')}.img`;
}

export function isCopyName(name: string): boolean {
  return /^disk-[\w-]{8}\.img$/.test(name);
}

/** Where a snapshot's data is, relative to the pool. */
export function snapshotDir(data: string): string {
  return `${stateDirName}/snapshots/${data}`;
}

/** The image of a volume with this directory. */
export function imageIn(subDir: string, file = imageName): string {
  return `${subDir}/${file}`;
}

/** Longest `subDir`: its record must fit into a symbolic link of 1,023 bytes (XFS). */
const maxBytes = 512;

/**
 * Says what is wrong with a directory path below a pool's root, or undefined if it is in order: relative,
 * normalised, without `..`, not Berth's own directory. Symbolic links are a matter of the pool, not of the text.
 */
export function subDirProblem(subDir: string): string | undefined {
  if (subDir === '') return 'it is empty; a volume is a directory below the pool, never the whole pool';
  if (Buffer.byteLength(subDir) > maxBytes) return `it is longer than ${maxBytes} bytes`;
  if (subDir.startsWith('/')) return 'it is an absolute path; write it relative to the pool';
  if (/[\u0000-\u001f\u007f-\u009f]/.test(subDir)) return 'it has a control character';
  if (!subDir.isWellFormed()) return 'it is not valid Unicode';
  const parts = subDir.split('/');
  if (parts.includes('..')) return 'it has a ".."';
  if (parts.includes('') || parts.includes('.'))
    return 'it has an empty part or a "."; write it plainly, as a/b/c';
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return 'one of its parts is longer than 255 bytes';
  if (parts[0] === stateDirName) return `"${stateDirName}" is where Berth keeps its own state`;
  return undefined;
}
