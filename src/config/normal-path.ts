import { posix } from 'node:path';

/** An absolute path in its only spelling: without doubled slashes, `.` parts and a slash at its end. */
export function normalPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
