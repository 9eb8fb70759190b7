import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import type { FilesystemType } from '../../host/filesystem.ts';
import { isFilesystemType } from '../capability.ts';
import { isCopyName as isDataName } from '../copies/copy-lock.ts';
import { formatSource, parseSource, type SourceRef } from '../copies/source-ref.ts';
import { imageName, isCopyName, subDirProblem } from '../sub-dir.ts';
import { maxLinkBytes } from './link-limit.ts';

/** What becomes of a volume's data at DeleteVolume. */
export const onDeleteValues = ['delete', 'archive', 'retain'] as const;
export type OnDelete = (typeof onDeleteValues)[number];

/** What a volume is that is one file in its directory, which nodes have as a device. */
export interface ImageRecord {
  /** Made on it when it is staged first; undefined: pods have the raw device. */
  readonly fsType?: FilesystemType;
  /** Its space is taken from the pool at once. */
  readonly thick?: true;
  /** Its name in the volume's directory, where it is not the one that the image was made with. */
  readonly file?: string;
  /** The attachment that was left behind and given back to its node, the last one; see image/fence.ts. */
  readonly kept?: string;
}

/** What Berth keeps of a dynamic volume. */
export interface VolumeRecord {
  /** Random; tells this volume from an earlier or later one of the same name. */
  readonly id: string;
  /** Counts the changes of this record. */
  readonly revision: number;
  /** The CSI name it was asked for with. */
  readonly name: string;
  readonly subDir: string;
  /** In bytes; 0 where none was asked for. */
  readonly capacity: bigint;
  readonly onDelete: OnDelete;
  /** What the request for the volume said, where it was changed since: a repeated request must still match. */
  readonly askedOnDelete: OnDelete;
  /** How long what was archived of it is kept. Seconds; undefined: for ever. */
  readonly archiveTtl?: number;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Undefined: pods have the directory itself. */
  readonly image?: ImageRecord;
  /** What it was made from; undefined where it was empty. */
  readonly from?: SourceRef;
  /**
   * Nobody may write to it: the name of the snapshot's directory that it shows (snapshots/shares.ts), or of the
   * snapshot's image, of which its own is another link.
   */
  readonly shared?: string;
}

/** What becomes of a volume's own data. One that shows a snapshot's directory has none. */
export function endOf({ onDelete, image, shared }: VolumeRecord): OnDelete {
  return shared !== undefined && image === undefined ? 'delete' : onDelete;
}

/** How a record says that an image has no filesystem of Berth's making. */
const raw = 'raw';

/** Which file of which volume: another one where the image was replaced, or the volume made anew under its name. */
export function imageVersion({ id, image }: VolumeRecord): string | undefined {
  return image && `${id}/${image.file ?? imageName}`;
}

export function newRecordId(): string {
  return randomBytes(6).toString('base64url');
}

/** Writes a record as text; INVALID_ARGUMENT where it would not fit into a symbolic link. */
export function encodeRecord(record: VolumeRecord): string {
  const text = JSON.stringify({
    v: 1,
    id: record.id,
    rev: record.revision,
    name: record.name,
    dir: record.subDir,
    size: record.capacity.toString(),
    onDelete: record.onDelete,
    asked: record.askedOnDelete === record.onDelete ? undefined : record.askedOnDelete,
    ttl: record.archiveTtl,
    mode: record.mode.toString(8),
    uid: record.uid,
    gid: record.gid,
    image: record.image && (record.image.fsType ?? raw),
    thick: record.image?.thick,
    file: record.image?.file,
    kept: record.image?.kept,
    from: record.from && formatSource(record.from),
    shared: record.shared,
  });
  if (Buffer.byteLength(text) > maxLinkBytes) {
    throw new CsiError(
      status.INVALID_ARGUMENT,
      'name-too-long',
      `The volume ${record.name} cannot be recorded: its name and subDir are too long together; shorten subDir.`,
    );
  }
  return text;
}

/**
 * Reads a record; undefined where the text is none that this version of Berth wrote. Whoever can write to the share
 * can plant one, so its directory is checked as that of a request is.
 */
export function decodeRecord(text: string): VolumeRecord | undefined {
  let fields: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    fields = { ...parsed };
  } catch {
    return undefined;
  }
  const {
    v,
    id,
    rev,
    name,
    dir,
    size,
    onDelete,
    asked = onDelete,
    ttl,
    mode,
    uid,
    gid,
    image,
    file,
    from,
    shared,
  } = fields;
  const source = typeof from === 'string' ? parseSource(from) : undefined;
  if (
    v !== 1 ||
    typeof id !== 'string' ||
    !/^[A-Za-z0-9_-]{8}$/.test(id) ||
    typeof rev !== 'number' ||
    typeof name !== 'string' ||
    typeof dir !== 'string' ||
    subDirProblem(dir) !== undefined ||
    typeof size !== 'string' ||
    !/^\d{1,19}$/.test(size) ||
    !isOnDelete(onDelete) ||
    !isOnDelete(asked) ||
    !(ttl === undefined || isTtl(ttl)) ||
    typeof mode !== 'string' ||
    !/^[0-7]{1,4}$/.test(mode) ||
    !(image === undefined || image === raw || (typeof image === 'string' && isFilesystemType(image))) ||
    !(file === undefined || (typeof file === 'string' && isCopyName(file))) ||
    (from !== undefined && source === undefined) ||
    !(shared === undefined || (typeof shared === 'string' && isDataName(shared)))
  ) {
    return undefined;
  }
  return {
    id,
    revision: rev,
    name,
    subDir: dir,
    capacity: BigInt(size),
    onDelete,
    askedOnDelete: asked,
    ...(ttl === undefined ? {} : { archiveTtl: ttl }),
    mode: Number.parseInt(mode, 8),
    ...(typeof uid === 'number' ? { uid } : {}),
    ...(typeof gid === 'number' ? { gid } : {}),
    ...(image === undefined ? {} : { image: readImage(image, file, fields) }),
    ...(source === undefined ? {} : { from: source }),
    ...(shared === undefined ? {} : { shared }),
  };
}

function readImage(
  image: string,
  file: string | undefined,
  { thick, kept }: Record<string, unknown>,
): ImageRecord {
  return {
    ...(isFilesystemType(image) ? { fsType: image } : {}),
    ...(thick === true ? { thick } : {}),
    ...(file === undefined ? {} : { file }),
    ...(typeof kept === 'string' ? { kept } : {}),
  };
}

function isTtl(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

export function isOnDelete(value: unknown): value is OnDelete {
  return onDeleteValues.some((known) => known === value);
}
