import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import type { FilesystemType } from '../../host/filesystem.ts';
import { isFilesystemType } from '../capability.ts';
import { isCopyName } from '../copies/copy-lock.ts';
import { maxLinkBytes } from '../state/link-limit.ts';
import { isKey } from '../volume-id.ts';

/** What Berth keeps of a snapshot that is complete: `.berth/snapshots/<key>`, a symbolic link as all records. */
export interface SnapshotRecord {
  /** The CSI name that it was asked for with. */
  readonly name: string;
  /** The volume that it is of: its key, and the id of its record, which a later volume of that name has not. */
  readonly source: string;
  readonly sourceId: string;
  /** When its copy was begun; milliseconds since 1970. */
  readonly created: number;
  /** In bytes: no smaller volume is made from it. 0: not known. */
  readonly size: bigint;
  /** Of an image: its filesystem, or that it is raw. Undefined: a directory. */
  readonly image?: { readonly fsType?: FilesystemType };
  /** The name of the directory or the image beside the record. */
  readonly data: string;
  /** The key of the group that it is a member of. */
  readonly group?: string;
}

const raw = 'raw';

/** Writes a record as text; INVALID_ARGUMENT where it would not fit into a symbolic link. */
export function encodeSnapshot(record: SnapshotRecord): string {
  const { name, source, sourceId, created, size, image, data, group } = record;
  const text = JSON.stringify({
    v: 1,
    name,
    source,
    sourceId,
    created,
    size: size.toString(),
    image: image && (image.fsType ?? raw),
    data,
    group,
  });
  if (Buffer.byteLength(text) <= maxLinkBytes) return text;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'name-too-long',
    `The snapshot ${name} cannot be recorded: its name is too long.`,
  );
}

/** Undefined where the text is none that this version of Berth wrote. */
export function decodeSnapshot(text: string): SnapshotRecord | undefined {
  const fields = parse(text);
  if (fields === undefined) return undefined;
  const { v, name, source, sourceId, created, size, image, data, group } = fields;
  if (
    v !== 1 ||
    typeof name !== 'string' ||
    typeof source !== 'string' ||
    !isKey(source) ||
    typeof sourceId !== 'string' ||
    typeof created !== 'number' ||
    typeof size !== 'string' ||
    !/^\d{1,19}$/.test(size) ||
    !(image === undefined || image === raw || (typeof image === 'string' && isFilesystemType(image))) ||
    typeof data !== 'string' ||
    !isCopyName(data) ||
    !(group === undefined || (typeof group === 'string' && isKey(group)))
  ) {
    return undefined;
  }
  return {
    name,
    source,
    sourceId,
    created,
    size: BigInt(size),
    ...(image === undefined ? {} : { image: isFilesystemType(image) ? { fsType: image } : {} }),
    data,
    ...(group === undefined ? {} : { group }),
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
