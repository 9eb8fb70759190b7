import { status } from '@grpc/grpc-js';
import { CsiError } from './csi-error.ts';

/** True for an error of a system call, which carries its errno's name in `code`. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    (codes.length === 0 || codes.includes(error.code))
  );
}

interface Meaning {
  readonly code: status;
  readonly reason: string;
  readonly sentence: string;
}

const noSpace: Meaning = {
  code: status.RESOURCE_EXHAUSTED,
  reason: 'pool-full',
  sentence: 'has no space (or no quota) left; free some or enlarge it',
};
const noPermission: Meaning = {
  code: status.PERMISSION_DENIED,
  reason: 'permission-denied',
  sentence:
    'does not permit it; check that the export is writable for this host, and root_squash where owners are set',
};
const unreachable: Meaning = {
  code: status.UNAVAILABLE,
  reason: 'pool-unavailable',
  sentence: 'does not answer; the call can be repeated once it is back',
};

/** What a file system's errno means to the caller of an RPC. Anything else is INTERNAL. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EACCES: noPermission,
  EPERM: noPermission,
  EROFS: {
    code: status.FAILED_PRECONDITION,
    reason: 'pool-read-only',
    sentence: 'is read-only; export it writable',
  },
  ENAMETOOLONG: {
    code: status.INVALID_ARGUMENT,
    reason: 'name-too-long',
    sentence: 'cannot hold a name that long; use a shorter one',
  },
  ESTALE: unreachable,
  EIO: unreachable,
  ETIMEDOUT: unreachable,
  EHOSTDOWN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ECONNREFUSED: unreachable,
  ENOTCONN: unreachable,
};

/** Maps an errno met on a pool to the error its caller gets; other values are returned as they are. */
export function fromNodeError(error: unknown, poolName: string): unknown {
  if (!isErrno(error)) return error;
  const meaning = meanings[error.code ?? ''];
  if (meaning === undefined) return error;
  return new CsiError(
    meaning.code,
    meaning.reason,
    `The pool ${poolName} ${meaning.sentence} (${error.code}).`,
    { cause: error },
  );
}
