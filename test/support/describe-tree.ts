import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { getAttribute, listAttributes } from '../../src/host/copy/libc.ts';

/**
 * All that can be told of a tree but inode numbers and times of change, entry by entry: by name, byte by byte. Names of
 * one file have the first of them in common.
 */
export function describeTree(root: string): Record<string, unknown> {
  const entries: Record<string, unknown> = {};
  const firstNames = new Map<bigint, string>();
  const visit = (path: Buffer, name: string) => {
    const stats = lstatSync(path, { bigint: true });
    const { mode, uid, gid, size, rdev, mtimeNs, nlink, ino } = stats;
    const sameAs = firstNames.get(ino) ?? name;
    firstNames.set(ino, sameAs);
    const isDirectory = stats.isDirectory();
    entries[name] = {
      mode: mode.toString(8),
      owner: `${uid}:${gid}`,
      mtimeNs,
      attributes: attributesOf(path),
      ...(isDirectory ? {} : { nlink, size, rdev, sameAs }),
      ...(stats.isFile() ? { content: createHash('sha256').update(readFileSync(path)).digest('hex') } : {}),
      ...(stats.isSymbolicLink() ? { target: readlinkSync(path, { encoding: 'latin1' }) } : {}),
    };
    if (!isDirectory) return;
    const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare);
    for (const each of names) {
      visit(Buffer.concat([path, Buffer.from('/'), each]), `${name}/${each.toString('latin1')}`);
    }
  };
  visit(Buffer.from(root), '.');
  return entries;
}

function attributesOf(path: Buffer): Record<string, string> {
  const names = listAttributes(path);
  return Object.fromEntries(
    names.map((name) => [name.toString('latin1'), getAttribute(path, name).toString('hex')]),
  );
}
