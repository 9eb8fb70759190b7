import { createHash } from 'node:crypto';
import type { PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { locateDirectory } from '../volumes/volume-context.ts';
import { findPool, type Servers } from './find-pool.ts';
import type { Migrated } from './manifest.ts';
import type { PersistentVolume } from './objects.ts';
import { isReleased } from './released.ts';
import type { Source } from './source.ts';

export interface Target {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly servers: Servers;
  /** The name that Berth has in the cluster. */
  readonly driver: string;
}

/**
 * The new volume, or why there is none: judged by the driver's own checks, so that it takes what is printed.
 * `names`: those that other PersistentVolumes have.
 */
export function newVolume(
  old: PersistentVolume,
  source: Source,
  names: ReadonlySet<string>,
  { pools, servers, driver }: Target,
): Migrated | string {
  if (old.metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  if (old.spec.volumeMode === 'Block') return 'it is a block volume';
  if (isReleased(old) && old.spec.claimRef?.uid === undefined) {
    return `it is ${old.status?.phase}, but its claimRef lacks the uid that keeps later claims off; give it as "kubectl get pv" prints it`;
  }
  const found = findPool(source, pools, servers);
  if (found.kind === 'refused') return found.reason;
  const { pool, subDir } = found;
  const ofPool = new Set(pool.nfs.mountOptions);
  const mountOptions = [...new Set(source.mountOptions)].filter(
    (option) => !ofPool.has(option) && !onlyInFstab.test(option),
  );
  const name = newName(old.metadata.name, names);
  // CSI: strings have at most 128 bytes.
  const handle = name.length <= 128 ? name : `migrated-${hash(name)}`;
  try {
    for (const mode of old.spec.accessModes ?? []) {
      const mount = { mount_flags: mountOptions };
      readCapability(
        { mount, access_mode: { mode: csiModes[mode] ?? mode } },
        { kind: 'directory', pool: pool.kind },
      );
    }
    const location = locateDirectory(handle, { pool: pool.name, subDir }, pools);
    return { old, name, handle, driver, location, mountOptions, readOnly: source.readOnly };
  } catch (error) {
    if (error instanceof CsiError) return error.message.replace(/\.$/, '');
    throw error;
  }
}

/** Say when to mount, and change nothing about a mount that is made anyway (mount(8), "Filesystem-independent"). */
const onlyInFstab = /^(defaults|_netdev|nofail|auto|noauto|x-.*)$/;

/** What kubelet and the sidecars make of Kubernetes' access modes. */
const csiModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'SINGLE_NODE_MULTI_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_SINGLE_WRITER',
  ReadOnlyMany: 'MULTI_NODE_READER_ONLY',
  ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
};

/** Kubernetes' longest name: an RFC 1123 subdomain. */
const maxName = 253;

/** The same in each run on the same input. */
function newName(old: string, names: ReadonlySet<string>): string {
  const plain = `${old}-berth`;
  if (plain.length <= maxName && !names.has(plain)) return plain;
  // RFC 1123: each label ends with a letter or a digit.
  return `${old.slice(0, 200).replace(/[.-]+$/, '')}-${hash(old)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
