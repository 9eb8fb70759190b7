import { createHash } from 'node:crypto';

/** A dynamic volume's id is `<pool>/<key>`; the key is a plain name and the name of its record. */
export interface VolumeId {
  readonly pool: string;
  readonly key: string;
}

/** Leaves room for a pool name of 32 bytes and the slash in the 128 bytes of a CSI string. */
const maxKeyBytes = 64;
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** A name that looks like a hashed key is hashed too, so that two names never get one key. */
const hashedKey = /^h-[0-9a-f]{40}$/;

/** The key for a CSI name (or a node's name): itself where it is short and plain, else a hash of it. */
export function keyOf(name: string): string {
  if (name.length <= maxKeyBytes && plainName.test(name) && !hashedKey.test(name)) return name;
  return hashKey(name);
}

/** A key of a fixed length, for any name. */
export function hashKey(name: string): string {
  return `h-${sha(name)}`;
}

/** The key under which a static volume (any handle) is attached; cannot be that of a dynamic one. */
export function staticKeyOf(handle: string): string {
  return `@${sha(handle)}`;
}

export function isStaticKey(text: string): boolean {
  return /^@[0-9a-f]{40}$/.test(text);
}

export function formatVolumeId({ pool, key }: VolumeId): string {
  return `${pool}/${key}`;
}

/** Whether this can be the key of a dynamic volume. */
export function isKey(text: string): boolean {
  return text.length <= maxKeyBytes && plainName.test(text);
}

/** Whether a key is one that no hand has written: made from a claim's UID by external-provisioner, or hashed. */
export function isGeneratedKey(key: string): boolean {
  return hashedKey.test(key) || /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(key);
}

/** Reads an id of the dynamic form; undefined for any other handle. */
export function parseVolumeId(id: string): VolumeId | undefined {
  const slash = id.indexOf('/');
  if (slash <= 0) return undefined;
  const key = id.slice(slash + 1);
  if (!isKey(key)) return undefined;
  return { pool: id.slice(0, slash), key };
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
