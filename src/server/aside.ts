// The name that a socket has until the server behind it has answered.
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoName } from '../errors/errno.ts';
import { UsageError } from '../errors/usage-error.ts';
import { answers, inUse } from './socket.ts';

/**
 * No two processes have the same one: when a server closes, libuv removes what is at the path that it was bound to,
 * whoever's it is by then. A pid would not do: containers that share the folder may all have the same. Its length
 * counts in `maxEndpointBytes`.
 */
export function asideOf(path: string): string {
  return `${path}~${randomBytes(3).toString('base64url')}`;
}

/** Removes those that killed processes have left; one that somebody listens on is a driver that starts as well. */
export async function clearAsides(path: string): Promise<void> {
  const directory = dirname(path);
  const prefix = `${basename(path)}~`;
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(prefix) || !/^[\w-]{0,4}$/.test(name.slice(prefix.length))) continue;
    const aside = join(directory, name);
    if (lstatSync(aside, { throwIfNoEntry: false })?.isSocket() !== true || (await answers(aside))) continue;
    rmSync(aside, { force: true });
  }
}

/** Gives a socket its name. Throws UsageError where another process has meanwhile made one of that name. */
export function nameSocket(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    const name = errnoName(error);
    if (name === 'EEXIST') throw inUse(path);
    throw new UsageError(
      `--endpoint ${path}: the socket cannot be given its name (${name}); choose a folder that takes hard links, and that nobody clears meanwhile`,
      { cause: error },
    );
  } finally {
    discard(aside);
  }
}

/** What cannot be removed is left for the next start: it must not hide why the name could not be given. */
function discard(aside: string): void {
  try {
    rmSync(aside, { force: true });
  } catch {}
}
