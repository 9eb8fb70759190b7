// What volumes are filled with, past NFS.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface PlannedFile {
  /** Below the volume's directory. */
  readonly path: string;
  readonly bytes: number;
}

export interface Content {
  readonly files: number;
  readonly bytes: number;
}

const filesPerFolder = 50;
const foldersPerFolder = 20;
const smallest = 100;
const largest = 4_096;

/** Files of 100 bytes to 4 KiB, fifty in a folder, twenty folders in one; the same each time. */
export function planSmallFiles(count: number): PlannedFile[] {
  return Array.from({ length: count }, (_, index) => {
    const folder = Math.floor(index / filesPerFolder);
    // A step that shares no factor with the range meets each size as often.
    const bytes = smallest + ((index * 1_597) % (largest - smallest + 1));
    return { path: `${Math.floor(folder / foldersPerFolder)}/${folder % foldersPerFolder}/${index}`, bytes };
  });
}

export function planLargeFiles(count: number, bytes: number): PlannedFile[] {
  return Array.from({ length: count }, (_, index) => ({ path: `large-${index}`, bytes }));
}

export const contentOf = (files: readonly PlannedFile[]): Content => ({
  files: files.length,
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
});

/** With random bytes, which no compression makes fewer. */
export function writeFiles(directory: string, files: readonly PlannedFile[]): void {
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  for (const { path, bytes } of files) {
    const file = openSync(join(directory, path), 'wx');
    writeRandom(file, 0, bytes);
    closeSync(file);
  }
}

/** Over what the open file has there. */
export function writeRandom(file: number, offset: number, bytes: number): void {
  const piece = 1024 ** 2;
  for (let done = 0; done < bytes; done += piece) {
    writeSync(file, randomBytes(Math.min(piece, bytes - done)), 0, null, offset + done);
  }
}

/** What there is below a directory. */
export async function findContent(directory: string): Promise<Content> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  let bytes = 0;
  for (const { parentPath, name } of files) bytes += (await stat(join(parentPath, name))).size;
  return { files: files.length, bytes };
}
