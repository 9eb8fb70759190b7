import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { isErrno } from '../../errors/errno.ts';

const lasting = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENAMETOOLONG',
  'EMLINK',
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'ENOTDIR',
  'EXDEV',
  'EBUSY',
];

/** Whether a failure stays as it is until somebody changes something: a call that is only repeated fails again. */
export function isLasting(error: unknown): boolean {
  if (!(error instanceof CsiError)) return isErrno(error, ...lasting);
  return error.code !== status.UNAVAILABLE && !isBusy(error);
}

/** Whether others are at work on the same volume or directory at this moment. */
export function isBusy(error: unknown): boolean {
  return error instanceof CsiError && error.code === status.ABORTED;
}
