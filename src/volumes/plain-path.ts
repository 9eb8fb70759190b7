import { posix } from 'node:path';

/** An absolute path as the mount table writes it: no empty part, no ".", no slash at the end. */
export function plainPath(path: string): string {
  const plain = posix.normalize(path);
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}
