import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { imageOf, type Source, sizeOf } from '../volumes/copies/source.ts';
import type { SourceRef } from '../volumes/copies/source-ref.ts';
import { readSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import type { ImageRecord } from '../volumes/state/record.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type { CreateVolumeRequest } from '../wire/generated/csi-types.ts';
import type { CapacityRange } from './capacity-range.ts';
import { findDynamic, notFound } from './find-volume.ts';
import { noSnapshot } from './get-snapshot.ts';

/** What a request names as a new volume's source, be it there or not. */
export interface AskedSource extends SourceRef {
  readonly id: string;
  readonly pool: string;
}

/** Undefined for an empty volume. Throws NOT_FOUND for an id that no volume or snapshot of this driver has. */
export function readSource(wire: CreateVolumeRequest['volume_content_source']): AskedSource | undefined {
  if (!wire) return undefined;
  const kind = wire.snapshot ? 'snapshot' : 'volume';
  const id = wire.snapshot?.snapshot_id ?? wire.volume?.volume_id ?? '';
  const parsed = parseVolumeId(id);
  if (parsed === undefined) throw noSource(kind, id);
  return { kind, id, ...parsed };
}

/** Finds it. Throws NOT_FOUND where it is not there, and INVALID_ARGUMENT where it is on another pool. */
export async function findSource(stores: Stores, asked: AskedSource, into: Store): Promise<Source> {
  const { kind, id, pool, key } = asked;
  const store = stores.find(pool);
  if (store === undefined) throw noSource(kind, id);
  const source = await (kind === 'snapshot' ? findSnapshot(store, key) : findVolume(stores, id));
  if (source === undefined) throw noSource(kind, id);
  if (store === into) return source;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'source-on-other-pool',
    `The ${kind} ${id} is on another pool than ${into.config.name}, for which the volume is asked, and servers copy within a pool only; use a StorageClass of that pool.`,
  );
}

async function findSnapshot({ pool }: Store, key: string): Promise<Source | undefined> {
  const record = await pool.use((state, tree) => readSnapshot(state, tree, key));
  return record && { kind: 'snapshot', key, record };
}

async function findVolume(stores: Stores, id: string): Promise<Source | undefined> {
  const found = await findDynamic(stores, id);
  return found && { kind: 'volume', key: found.key, record: found.record };
}

/**
 * The sizes that a volume from this source may have: none below its own. Throws OUT_OF_RANGE where only such are asked
 * for.
 */
export function rangeFrom(source: Source, { required, limit }: CapacityRange): CapacityRange {
  const size = sizeOf(source);
  const isSmaller = (required !== 0n && required < size) || (limit !== 0n && limit < size);
  if (!isSmaller) return { required: required === 0n ? size : required, limit };
  throw new CsiError(
    status.OUT_OF_RANGE,
    'size-out-of-range',
    `The ${source.kind} ${source.key} has ${size} bytes, and a volume that is made from it has at least as many; ask for that, or for more.`,
  );
}

/** Throws INVALID_ARGUMENT where the source is another kind of volume than what is asked for. */
export function refuseOtherKind(source: Source, asked: ImageRecord | undefined): void {
  const has = imageOf(source);
  if ((has === undefined) === (asked === undefined) && has?.fsType === asked?.fsType) return;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'source-differs',
    `The ${source.kind} ${source.key} is ${kindName(has)}, and ${kindName(asked)} is asked for; use a StorageClass and a volumeMode of the same kind.`,
  );
}

function kindName(image: { readonly fsType?: string } | undefined): string {
  if (image === undefined) return 'a shared directory';
  return image.fsType === undefined ? 'a raw device' : `a volume with ${image.fsType}`;
}

function noSource(kind: SourceRef['kind'], id: string): CsiError {
  return kind === 'snapshot' ? noSnapshot(id) : notFound(id);
}
