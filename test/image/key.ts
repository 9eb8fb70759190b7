import { createHash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkout } from './buildah.ts';

/** A short hash of files of the checkout, by name and content, and of other text that decides what is made. */
export async function keyOf(patterns: readonly string[], ...texts: readonly string[]): Promise<string> {
  const files: string[] = [];
  for await (const entry of glob(patterns, { cwd: checkout, withFileTypes: true })) {
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name));
  }
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    hash.update(`${file.slice(checkout.length)}\0`);
    hash.update(
      createHash('sha256')
        .update(await readFile(file))
        .digest(),
    );
  }
  for (const text of texts) hash.update(`\0${text}`);
  return hash.digest('hex').slice(0, 12);
}
