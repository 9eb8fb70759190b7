import * as z from 'zod/mini';
import { mountOptionProblem } from '../pools/mount-options.ts';
import { isNfsServer } from './nfs-server.ts';
import { normalPath } from './normal-path.ts';
import { findOverlap } from './overlap.ts';

/** A pool's name is the first part of its volumes' ids, a directory name and a metric label: short and plain. */
const poolName = z
  .string()
  .check(
    z.regex(
      /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/,
      'a pool name of 1 to 32 lower-case letters, digits and inner hyphens',
    ),
  );

const absolutePath = z.string().check(
  z.maxLength(1024, 'an absolute path of at most 1024 characters'),
  z.refine(
    (path) => path.startsWith('/') && !path.split('/').includes('..') && !/[\u0000-\u001f\u007f]/.test(path),
    'an absolute path without ".."',
  ),
  z.overwrite(normalPath),
);

const mountOption = z.string().check((context) => {
  const problem = mountOptionProblem(context.value, 'nfs');
  if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: context.value });
});

const nfs = z.strictObject({
  server: z.string().check(z.refine(isNfsServer, 'a host name or an IP address of the NFS server')),
  path: absolutePath,
  mountOptions: z._default(z.array(mountOption), []),
});

const local = z.strictObject({
  path: absolutePath.check(z.refine((path) => path !== '/', 'a directory below "/", not "/" itself')),
});

const pool = z
  .strictObject({ nfs: z.optional(nfs), local: z.optional(local) })
  .check(
    z.refine(
      (value) => (value.nfs === undefined) !== (value.local === undefined),
      'exactly one of "nfs" and "local"',
    ),
  );

const pools = z.record(poolName, pool).check(
  z.refine((named) => Object.keys(named).length > 0, 'at least one pool'),
  (context) => {
    const overlap = findOverlap(context.value);
    if (overlap === undefined) return;
    const { path, message } = overlap;
    context.issues.push({ code: 'custom', path: [...path], message, input: context.value });
  },
);

/** Which devices of a node a hand-written PersistentVolume may name; see volumes/device/allowed-device.ts. */
const devicePattern = absolutePath.check(
  z.refine((pattern) => pattern.startsWith('/dev/'), 'a path below /dev, such as /dev/disk/by-id/scsi-*'),
);

export const configSchema = z.strictObject({ pools, devices: z._default(z.array(devicePattern), []) });

/** The keys that a mapping of the config may have. */
export function keysAt(path: readonly string[]): readonly string[] {
  const [, name, kind] = path;
  if (kind === 'nfs') return Object.keys(nfs.shape);
  if (kind === 'local') return Object.keys(local.shape);
  return Object.keys(name === undefined ? configSchema.shape : pool.shape);
}

export type NfsPoolConfig = z.infer<typeof nfs>;
export type LocalPoolConfig = z.infer<typeof local>;
/** A config that was read. */
export interface Config {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Patterns (glob(7)) of paths below /dev. */
  readonly devices: readonly string[];
}
/** How one pool is reached: exactly one member is set. */
export type PoolConfig =
  | { readonly kind: 'nfs'; readonly name: string; readonly nfs: NfsPoolConfig }
  | { readonly kind: 'local'; readonly name: string; readonly local: LocalPoolConfig };
