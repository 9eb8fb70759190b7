import { posix } from 'node:path';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';

/** A field of a request that has to be there. Throws INVALID_ARGUMENT. */
export function required(value: string, field: string): string {
  if (value === '') throw invalid(field, 'is missing; set it');
  return value;
}

/**
 * A path that Berth mounts on or looks for in the mount table: absolute, without "..", not "/" itself.
 * Throws INVALID_ARGUMENT.
 */
export function absolutePath(value: string, field: string): string {
  required(value, field);
  if (!value.startsWith('/')) throw invalid(field, 'is not an absolute path; let it start with "/"');
  if (value.includes('\0')) throw invalid(field, 'has a NUL character, which no path can have');
  if (value.split('/').includes('..')) throw invalid(field, 'has a ".."; give the path itself');
  if (Buffer.byteLength(value) > 4095) throw invalid(field, 'is longer than 4095 bytes');
  const path = posix.normalize(value).replace(/\/$/, '');
  if (path === '') throw invalid(field, 'is "/", which can never be a mount point of a volume');
  return path;
}

function invalid(field: string, what: string): CsiError {
  return new CsiError(status.INVALID_ARGUMENT, 'field-invalid', `The field ${field} ${what}.`);
}
