import { fstatSync } from 'node:fs';
import { type Mount, readMountinfo } from '../mountinfo.ts';

/** A mount of the file system that something open lies on; undefined where none is seen from here. */
export function mountOf(fd: number): Mount | undefined {
  const { dev } = fstatSync(fd, { bigint: true });
  // makedev(3)
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return readMountinfo().find(({ device }) => device === `${major}:${minor}`);
}
