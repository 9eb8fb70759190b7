import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { MountPointError, makeMountFile, makeMountPoint, resolveMountPoint } from '../host/mount-point.ts';
import { type Mount, readMountinfo } from '../host/mountinfo.ts';

/** A path of a request as the mount table knows it. Throws FAILED_PRECONDITION for what cannot be a mount point. */
export function mountPointOf(path: string, table: readonly Mount[] = readMountinfo()): string {
  return told(path, () => resolveMountPoint(path, table));
}

/**
 * Makes the directory, or for a device the file, that is to be mounted on; false where it is there. Throws as above.
 */
export function makeTarget(place: string, path: string, { isFile }: { readonly isFile: boolean }): boolean {
  return told(path, () => (isFile ? makeMountFile(place) : makeMountPoint(place)));
}

/** `path`: as the request has it. */
function told<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw mountPointFailure(error, path);
  }
}

/** Something is mounted at the target path: this volume in another way, or something else. */
export function occupied(targetPath: string, sameVolume: boolean): CsiError {
  const what = sameVolume
    ? 'is there already with other arguments (readonly or mount flags)'
    : 'is not there, but something else is mounted';
  return new CsiError(
    status.ALREADY_EXISTS,
    sameVolume ? 'published-differently' : 'target-occupied',
    `The volume ${what} at the target path ${targetPath}; unpublish that first.`,
  );
}

export function bindUnproven(targetPath: string): CsiError {
  return new CsiError(
    status.INTERNAL,
    'bind-unproven',
    `The mount table does not show the volume at ${targetPath} as it was asked for, although mount reported success; repeat the call.`,
  );
}

/** What a path that cannot be a mount point means to the caller. */
export function mountPointFailure(error: unknown, path: string): unknown {
  if (!(error instanceof MountPointError)) return error;
  const why = {
    'no-parent': 'the directory that should hold it does not exist; the container orchestrator makes it',
    'not-a-directory': 'there is something else than a directory at that path or above it; move it away',
    'not-an-empty-file':
      'a raw device is mounted on an empty file, and there is something else at that path; move it away',
    'not-empty': 'it holds files, which belong to no volume and are never removed here; move them away',
    'on-nfs': 'it is on an NFS mount, which Berth does not touch; it has to be on a disk of this node',
  }[error.problem];
  return new CsiError(
    status.FAILED_PRECONDITION,
    `target-${error.problem}`,
    `The target path ${path} cannot be used: ${why}.`,
    { cause: error },
  );
}
