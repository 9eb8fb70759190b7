import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { BlocksLine, Extent } from '../host/blocks/lines.ts';
import type { SnapshotRecord } from '../volumes/snapshots/snapshot-record.ts';
import { readSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import type { Store } from '../volumes/stores.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import type { Handlers, Stream } from '../wire/csi.ts';
import type { GetMetadataAllocatedResponseInit, Services } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { noSnapshot } from './get-snapshot.ts';

/** Ranges in one message, where the caller does not say, and at most. */
const mostRanges = 512;

/** The SnapshotMetadata service (alpha): which bytes of an image's snapshot have data, or differ from another one's. */
export function snapshotMetadataService(deps: ControllerDeps): Handlers<Services['SnapshotMetadata']> {
  return {
    GetMetadataAllocated: async ({ snapshot_id: id, ...rest }, stream) =>
      sendBlocks(await findImage(deps, id), undefined, rest, stream),
    GetMetadataDelta: async ({ base_snapshot_id: baseId, target_snapshot_id: targetId, ...rest }, stream) => {
      const target = await findImage(deps, targetId);
      const base = await findImage(deps, baseId);
      refuseOther(base, target);
      return sendBlocks(target, base, rest, stream);
    },
  };
}

interface FoundImage {
  readonly id: string;
  readonly store: Store;
  readonly record: SnapshotRecord;
}

interface Wanted {
  readonly starting_offset: string;
  readonly max_results: number;
}

async function findImage({ stores }: ControllerDeps, snapshotId: string): Promise<FoundImage> {
  const id = parseVolumeId(snapshotId);
  const store = id && stores.find(id.pool);
  if (id === undefined || store === undefined) throw noSnapshot(snapshotId);
  const record = await store.pool.use((state, tree) => readSnapshot(state, tree, id.key));
  if (record === undefined) throw noSnapshot(snapshotId);
  if (record.image !== undefined) return { id: snapshotId, store, record };
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'snapshot-has-no-blocks',
    `The snapshot ${snapshotId} is of a directory, which has files and no blocks; ask for one of a raw device, an ext4 or an xfs.`,
  );
}

function refuseOther(base: FoundImage, target: FoundImage): void {
  const isSame = base.store === target.store && base.record.sourceId === target.record.sourceId;
  if (isSame) return;
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'snapshots-of-two-volumes',
    `The snapshots ${base.id} and ${target.id} are of two volumes, and what differs between those says nothing; compare snapshots of one volume.`,
  );
}

async function sendBlocks(
  { id, store, record }: FoundImage,
  base: FoundImage | undefined,
  { starting_offset: startingOffset, max_results: maxResults }: Wanted,
  stream: Stream<GetMetadataAllocatedResponseInit>,
): Promise<void> {
  const offset = Number(startingOffset);
  await store.pool.use(async (state, tree) => {
    const lines = tree.blocks(
      state.snapshots,
      {
        file: record.data,
        ...(base === undefined ? {} : { base: base.record.data }),
        offset,
        most: Math.min(maxResults || mostRanges, mostRanges),
      },
      { signal: stream.signal },
    );
    await sendLines(lines, stream, (size) => {
      if (offset >= size) throw outOfRange(id, startingOffset);
    });
  });
}

async function sendLines(
  lines: AsyncIterable<BlocksLine>,
  stream: Stream<GetMetadataAllocatedResponseInit>,
  check: (size: number) => void,
): Promise<void> {
  let size = 0;
  let sent = false;
  const send = (extents: readonly Extent[]) => {
    sent = true;
    return stream.send({
      block_metadata_type: 'VARIABLE_LENGTH',
      volume_capacity_bytes: String(size),
      block_metadata: extents.map(([start, length]) => ({
        byte_offset: String(start),
        size_bytes: String(length),
      })),
    });
  };
  for await (const line of lines) {
    if ('size' in line) {
      size = line.size;
      check(size);
    } else if ('extents' in line) await send(line.extents);
  }
  // So that the caller learns of the size all the same.
  if (!sent) await send([]);
}

function outOfRange(id: string, offset: string): CsiError {
  return new CsiError(
    status.OUT_OF_RANGE,
    'offset-out-of-range',
    `The snapshot ${id} has no byte ${offset}; begin below its size.`,
  );
}
