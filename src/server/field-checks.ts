/**
 * Checks on single values, after the specification's "Size Limits" and what it says of fields one by one. Each
 * returns what is wrong and what to do, as the rest of a sentence that began with the field's name, or undefined.
 * No answer quotes the value: it may be a secret.
 */
import type { FieldInfo } from '../wire/descriptor.ts';

export type ValueCheck = (value: unknown) => string | undefined;

const stringLimit = 128;
/** For a map's keys and values together, and for all mount flags together. */
const largeLimit = 4096;
/** As long as the kernel takes a path: its PATH_MAX of 4096 counts the final NUL, and NAME_MAX each part. */
const pathLimit = 4095;
const partLimit = 255;
const nodeIdLimit = 256;

/**
 * Berth mounts on these, or takes away what is mounted there. volume_path and volume_publish_path are not here: the
 * volume is looked up before its path is judged, since csi-sanity sends `some/path` with an unknown volume and expects
 * NOT_FOUND.
 */
const mountPaths: ReadonlySet<string> = new Set(['target_path', 'staging_target_path']);

/** Those that the specification forbids in names; tab, line feed and carriage return are allowed. */
const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** The check for one value of this field, not empty: an element where it is repeated, the whole where it is a map. */
export function valueCheck(field: FieldInfo): ValueCheck | undefined {
  switch (field.kind) {
    case 'string':
      return stringCheck(field);
    case 'map':
      return mapCheck(field);
    case 'number':
      return notNegative;
    case 'enum':
      return knownEnumValue;
    case 'bool':
    case 'message':
      return undefined;
  }
}

/** A limit on all elements of a repeated field together. */
export function totalCheck(field: FieldInfo): ValueCheck | undefined {
  if (field.name !== 'mount_flags') return undefined;
  return (values) =>
    tooLong(
      (values as readonly string[]).reduce((sum, value) => sum + Buffer.byteLength(value), 0),
      largeLimit,
    );
}

function stringCheck(field: FieldInfo): ValueCheck {
  const limit = limitOf(field.name);
  const mountPath = mountPaths.has(field.name);
  return (value) => {
    const text = value as string;
    const problem = tooLong(Buffer.byteLength(text), limit);
    if (problem !== undefined) return problem;
    if (!field.secret && controlCharacter.test(text)) return hasControlCharacter(text);
    return mountPath ? mountPathProblem(text) : undefined;
  };
}

function mountPathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'is not an absolute path. Give one that starts with /.';
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0)
    return 'is /, which can never be a mount point of a volume. Give the path below it.';
  if (parts.includes('..')) return 'has a "..". Give the path itself.';
  if (parts.some((part) => Buffer.byteLength(part) > partLimit)) {
    return `has a part of more than ${partLimit} bytes, which no directory's name can have. Shorten it.`;
  }
  return undefined;
}

/** In bytes of UTF-8. The text of the fields in question overrides the general limit. */
function limitOf(fieldName: string): number {
  if (fieldName === 'node_id') return nodeIdLimit;
  if (fieldName.endsWith('_path')) return pathLimit;
  return fieldName === 'mount_flags' ? largeLimit : stringLimit;
}

function mapCheck(field: FieldInfo): ValueCheck {
  return (value) => {
    let bytes = 0;
    for (const [key, entry] of Object.entries(value as Record<string, string>)) {
      bytes += Buffer.byteLength(key) + Buffer.byteLength(entry);
      if (field.secret) continue;
      if (controlCharacter.test(key)) return hasControlCharacter(key);
      if (controlCharacter.test(entry)) return hasControlCharacter(entry);
    }
    return tooLong(bytes, largeLimit);
  };
}

function tooLong(bytes: number, limit: number): string | undefined {
  if (bytes <= limit) return undefined;
  return `is ${bytes} bytes long; at most ${limit} are allowed. Shorten it.`;
}

function hasControlCharacter(text: string): string {
  const index = text.search(controlCharacter);
  const code = text.charCodeAt(index).toString(16).toUpperCase().padStart(4, '0');
  return `contains the control character U+${code}. Remove it.`;
}

/** Of a request's numbers (sizes, offsets, counts) none may be negative; an int64 arrives as a string. */
function notNegative(value: unknown): string | undefined {
  const negative = typeof value === 'string' ? value.startsWith('-') : (value as number) < 0;
  return negative ? 'is negative. Use zero or more.' : undefined;
}

/** proto-loader decodes a value that it has a name for to the name, and any other to its number. */
function knownEnumValue(value: unknown): string | undefined {
  if (typeof value !== 'number') return undefined;
  return `has the value ${value}, which this version of CSI does not define. Use one that it defines.`;
}
