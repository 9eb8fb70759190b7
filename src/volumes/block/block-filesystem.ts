import { status } from '@grpc/grpc-js';
import { allEnded } from '../../all-ended.ts';
import { CsiError } from '../../errors/csi-error.ts';
import { contentOf, type DeviceContent, isZeroThroughout } from '../../host/device-content.ts';
import { type Ext4State, ext4StateOf } from '../../host/ext4-state.ts';
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
  /** That nothing is stored in it: a hint of what is to be looked at first. */
  readonly isHollow: boolean;
  /** Throws where this node may not have the volume; it is asked while the device is read. */
  readonly proveTold: () => Promise<void>;
  /** Called before and after the filesystem is made: what is killed in between may be made again. */
  readonly onMaking: () => Promise<void>;
  readonly onMade: () => Promise<void>;
}

export interface Prepared {
  readonly type: FilesystemType;
  /** In bytes; undefined where blkid does not tell. */
  readonly size: bigint | undefined;
  /** Whether its checker has looked at all of it that it looks at. */
  readonly isChecked: boolean;
}

/** What was found on a device. `hasData`: whether its file may have any, where that was asked for too. */
type Found =
  | { readonly ext4: Ext4State }
  | { readonly ext4: undefined; readonly content: DeviceContent; readonly hasData: boolean | undefined };

/**
 * Sees to it that a device has a filesystem that can be mounted. Made only where the device is proven blank and the
 * volume is a new one; whatever else is found stays as it is, and is told. Throws CsiError, and what blockFailure
 * knows.
 */
export async function prepareFilesystem(device: string, wanted: Prepare): Promise<Prepared> {
  const { volumeId, fsType, format, readOnly, file } = wanted;
  // In this order: of a volume that is not this node's any more, reads may fail too.
  const [, found] = await allEnded([wanted.proveTold(), look(device, wanted)]);
  if (found.ext4 !== undefined) {
    const { size, isToBeChecked } = found.ext4;
    const isChecked = isToBeChecked && !readOnly;
    if (isChecked) await checkPrepared(device, 'ext4');
    return { type: 'ext4', size, isChecked };
  }
  const { content, hasData } = found;
  if (content.kind === 'blank') {
    if (format === undefined || readOnly || file === undefined) throw nothingThere(volumeId, readOnly);
    // Its ends are: what is between them may be all that is left of a filesystem.
    const mayBeThere = hasData ?? (await mayHaveData(file, { timeoutMs: probeMs }));
    if (mayBeThere && !(await isZeroThroughout(device, { timeoutMs: makeMs })))
      throw foreign(volumeId, 'data of no known form');
    await wanted.onMaking();
    await makeFilesystem(device, format, { timeoutMs: makeMs });
    await wanted.onMade();
    return { type: format, size: deviceSize(device), isChecked: true };
  }
  if (content.kind !== 'filesystem')
    throw foreign(volumeId, content.kind === 'other' ? content.what : 'data of no known form');
  const expected = format ?? fsType;
  const { type, size } = content;
  if (!isFilesystemType(type) || (expected !== undefined && type !== expected))
    throw foreign(volumeId, type, expected);
  if (!readOnly) await checkPrepared(device, type);
  return { type, size, isChecked: !readOnly };
}

/** Throws DamagedFilesystemError, CommandError. */
export async function checkPrepared(device: string, type: FilesystemType): Promise<void> {
  await checkFilesystem(device, type, { timeoutMs: checkMs });
}

/** Where the hint is wrong, the answer is the same, and takes longer. */
async function look(device: string, { format, file, isHollow }: Prepare): Promise<Found> {
  if (format === 'ext4' && !isHollow) {
    // What this driver has made it finds in one look; of others' devices there is more to be doubted.
    const ext4 = await ext4StateOf(device, { timeoutMs: probeMs });
    if (ext4 !== undefined) return { ext4 };
  }
  const [content, hasData] = await allEnded([
    contentOf(device, { timeoutMs: probeMs, looksBlank: isHollow }),
    isHollow && file !== undefined ? mayHaveData(file, { timeoutMs: probeMs }) : Promise.resolve(undefined),
  ]);
  return { ext4: undefined, content, hasData };
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
