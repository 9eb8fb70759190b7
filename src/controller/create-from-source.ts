import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { volumeJob, volumeWork } from '../volumes/copies/make-volume.ts';
import { isShareable, shareSnapshot } from '../volumes/copies/share-snapshot.ts';
import { completeDirectory } from '../volumes/directory/directory.ts';
import { imageSize } from '../volumes/image/image-size.ts';
import type { VolumeRecord } from '../volumes/state/record.ts';
import { readRecord } from '../volumes/state/records.ts';
import type { Store, Stores } from '../volumes/stores.ts';
import type { CapacityRange } from './capacity-range.ts';
import { noSnapshot } from './get-snapshot.ts';
import { type AskedSource, findSource, rangeFrom, refuseOtherKind } from './volume-source.ts';

/** Below what sidecars wait for a call, and a drain. */
const patienceMs = 15_000;

export interface AskedVolume {
  readonly key: string;
  /** Its size is that of the source, or more. */
  readonly wanted: VolumeRecord;
  readonly range: CapacityRange;
  /** Nobody is to write to it, so that it may be served straight from a snapshot. */
  readonly readOnly: boolean;
}

/**
 * Makes a volume from a snapshot or from another volume, or gives the record of the one that there is by that name. The
 * copy goes on when the call has ended; ABORTED until it is done.
 */
export async function createFromSource(
  stores: Stores,
  store: Store,
  asked: AskedSource,
  { key, wanted, range, readOnly }: AskedVolume,
): Promise<VolumeRecord> {
  const { pool, copies } = store;
  const known = await pool.use(async (state, tree) => {
    const record = await readRecord(state, tree, key);
    return record !== undefined && (await completeDirectory(state, tree, record)) ? record : undefined;
  });
  if (known !== undefined) return known;
  const source = await findSource(stores, asked, store);
  const { image } = wanted;
  refuseOtherKind(source, image);
  const sizes = rangeFrom(source, range);
  const capacity = image === undefined ? sizes.required : imageSize(sizes, image.fsType);
  const volume = { ...wanted, capacity };
  if (readOnly && source.kind === 'snapshot' && isShareable(volume, source.record)) {
    const shared = await pool.use((state, tree) => shareSnapshot(state, tree, key, volume, source));
    if (shared === undefined) throw noSnapshot(asked.id);
    return shared;
  }
  const job = volumeJob(key);
  const made = await copies.run(job, volumeWork(key, volume, source), patienceMs);
  if (made !== undefined) return made;
  const { bytes = 0 } = copies.progress(job) ?? {};
  throw new CsiError(
    status.ABORTED,
    'volume-being-copied',
    `The volume ${wanted.name} is being copied from the ${source.kind} ${source.key}, ${bytes} bytes so far; repeat the call until it is done.`,
  );
}
