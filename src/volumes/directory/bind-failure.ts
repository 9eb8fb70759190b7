import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { CommandError } from '../../host/command-error.ts';

/** True where the pool's mount does not know its own root any more: the server was rebuilt. */
export function isStale(error: unknown): boolean {
  return error instanceof CommandError && /Stale file handle/.test(error.stderr);
}

/** True where the directory was not found; perhaps only in the client's cache. */
export function isMissing(error: unknown): boolean {
  return error instanceof CommandError && missing.test(error.stderr);
}

const missing = /special device .* does not exist|No such file or directory/s;

/** What a failed bind of a volume's directory means to the caller of NodePublishVolume. */
export function bindFailure(error: unknown, volumeId: string, pool: string, timeoutMs: number): unknown {
  if (!(error instanceof CommandError)) return error;
  const fail = (code: status, reason: string, sentence: string) =>
    new CsiError(code, reason, sentence, { cause: error });
  if (error.timedOut) {
    return fail(
      status.UNAVAILABLE,
      'pool-unavailable',
      `The pool ${pool} did not answer within ${timeoutMs / 1000} s; the call can be repeated once its server is back.`,
    );
  }
  const { stderr } = error;
  if (missing.test(stderr)) {
    return fail(
      status.NOT_FOUND,
      'volume-missing',
      `The directory of the volume ${volumeId} does not exist on the pool ${pool}; it was deleted, or ` +
        "the volume's subDir is wrong.",
    );
  }
  if (/Not a directory/.test(stderr)) {
    return fail(
      status.FAILED_PRECONDITION,
      'volume-not-a-directory',
      `What the volume ${volumeId} names on the pool ${pool} is no directory; correct its subDir.`,
    );
  }
  if (/symbolic links/.test(stderr)) return leadsElsewhere(volumeId, pool);
  if (/[Pp]ermission denied/.test(stderr)) {
    return fail(
      status.PERMISSION_DENIED,
      'permission-denied',
      `The pool ${pool} does not let this node into the directory of the volume ${volumeId}; the directories ` +
        'above it must be searchable (mode o+x) where the export squashes root.',
    );
  }
  if (isStale(error) || /Input\/output error|timed out|Host is down/.test(stderr)) {
    return fail(
      status.UNAVAILABLE,
      'pool-unavailable',
      `The server of the pool ${pool} does not know the directory of the volume ${volumeId} at the moment; ` +
        'repeat the call, and look at the server if it stays so.',
    );
  }
  return fail(
    status.INTERNAL,
    'bind-failed',
    `The directory of the volume ${volumeId} could not be mounted at the target path; the log has what mount said.`,
  );
}

export function leadsElsewhere(volumeId: string, pool: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'volume-path-leaves',
    `The path of the volume ${volumeId} on the pool ${pool} goes through a symbolic link or into another file ` +
      'system, which is never followed; give its real directory as subDir.',
  );
}
