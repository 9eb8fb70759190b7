import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { contentOf, isZeroThroughout } from '../../host/device-content.ts';
import { mayHaveData } from '../../host/file-data.ts';
import { checkFilesystem, type FilesystemType, makeFilesystem } from '../../host/filesystem.ts';
import { deviceSize } from '../../host/loop.ts';
import { isFilesystemType } from '../capability.ts';

const probeMs = 60_000;
/** A terabyte's tables, written to a share. */
const makeMs = 600_000;
/** Replaying a journal; whatever needs longer goes on where it was killed. */
const checkMs = 900_000;

export interface Prepare {
  readonly volumeId: string;
  /** What the request asks for; undefined: whatever is there. */
  readonly fsType: FilesystemType | undefined;
  /** What may be made where the device is blank; undefined: nothing. */
  readonly format: FilesystemType | undefined;
  readonly readOnly: boolean;
  /** The image's file; undefined for a device, on which nothing is ever made. */
  readonly file: string | undefined;
  /** Called before and after the filesystem is made: what is killed in between may be made again. */
  readonly onMaking: () => Promise<void>;
  readonly onMade: () => Promise<void>;
}

export interface Prepared {
  readonly type: FilesystemType;
  /** In bytes; undefined where blkid does not tell. */
  readonly size: bigint | undefined;
}

/**
 * Sees to it that a device has a filesystem that can be mounted. Made only where the device is proven blank and the
 * volume is a new one; whatever else is found stays as it is, and is told. Throws CsiError, and what blockFailure
 * knows.
 */
export async function prepareFilesystem(device: string, wanted: Prepare): Promise<Prepared> {
  const { volumeId, fsType, format, readOnly, file } = wanted;
  const content = await contentOf(device, { timeoutMs: probeMs });
  if (content.kind === 'blank') {
    if (format === undefined || readOnly || file === undefined) throw nothingThere(volumeId, readOnly);
    // Its ends are: what is between them may be all that is left of a filesystem.
    if (!(await isNeverWritten(file, device))) throw foreign(volumeId, 'data of no known form');
    await wanted.onMaking();
    await makeFilesystem(device, format, { timeoutMs: makeMs });
    await wanted.onMade();
    return { type: format, size: deviceSize(device) };
  }
  if (content.kind !== 'filesystem')
    throw foreign(volumeId, content.kind === 'other' ? content.what : 'data of no known form');
  const expected = format ?? fsType;
  const { type, size } = content;
  if (!isFilesystemType(type) || (expected !== undefined && type !== expected))
    throw foreign(volumeId, type, expected);
  if (!readOnly) await checkFilesystem(device, type, { timeoutMs: checkMs });
  return { type, size };
}

async function isNeverWritten(file: string, device: string): Promise<boolean> {
  if (!(await mayHaveData(file, { timeoutMs: probeMs }))) return true;
  return isZeroThroughout(device, { timeoutMs: makeMs });
}

function nothingThere(volumeId: string, readOnly: boolean): CsiError {
  const how = readOnly
    ? 'and it is attached read-only: use it once for writing'
    : 'and what was there before is never formatted: make one by hand';
  return new CsiError(
    status.FAILED_PRECONDITION,
    'no-filesystem',
    `The volume ${volumeId} cannot be mounted: there is no filesystem on it, ${how}.`,
  );
}

function foreign(volumeId: string, what: string, expected?: string): CsiError {
  const instead = expected === undefined ? '' : `, and not ${expected}`;
  return new CsiError(
    status.FAILED_PRECONDITION,
    'foreign-content',
    `The volume ${volumeId} cannot be mounted: it holds ${what}${instead}. It was left as it is; look at it, and use another volume where that is to be kept.`,
  );
}
