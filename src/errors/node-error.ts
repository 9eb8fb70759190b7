import { status } from '@grpc/grpc-js';
import { CsiError } from './csi-error.ts';
import { errnoName } from './errno.ts';

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
  EFBIG: {
    code: status.OUT_OF_RANGE,
    reason: 'size-out-of-range',
    sentence: 'cannot hold a file that large; ask for less',
  },
  ENAMETOOLONG: {
    code: status.INVALID_ARGUMENT,
    reason: 'name-too-long',
    sentence: 'cannot hold a name that long; use a shorter one',
  },
  ESTALE: unreachable,
  EIO: {
    code: status.UNAVAILABLE,
    reason: 'pool-unavailable',
    sentence: "could not read or write something; look at its disk, or the server's, then repeat the call",
  },
  ENOENT: {
    code: status.UNAVAILABLE,
    reason: 'pool-unavailable',
    sentence: 'lacks something that was there a moment ago; repeat the call',
  },
  EXDEV: {
    code: status.FAILED_PRECONDITION,
    reason: 'other-filesystem',
    sentence:
      'has the directory on another filesystem, which is mounted inside the pool, so that it cannot be moved; unmount that, or give it a pool of its own',
  },
  ETIMEDOUT: unreachable,
  EHOSTDOWN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ECONNREFUSED: unreachable,
  ENOTCONN: unreachable,
};

/** Maps an errno met on a pool to the error its caller gets; other values are returned as they are. */
export function fromNodeError(error: unknown, poolName: string): unknown {
  const name = errnoName(error);
  const meaning = meanings[name ?? ''];
  if (meaning === undefined) return error;
  return new CsiError(meaning.code, meaning.reason, `The pool ${poolName} ${meaning.sentence} (${name}).`, {
    cause: error,
  });
}
