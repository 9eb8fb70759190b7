import { type SnapshotOf, snapshotJob, snapshotWork } from '../volumes/snapshots/take-snapshot.ts';
import type { Store } from '../volumes/stores.ts';
import type { SnapshotInit } from '../wire/generated/csi-types.ts';
import type { DescribedPool } from './accessibility.ts';
import { describePending, describeSnapshot } from './describe-snapshot.ts';

/** Most copies that share blocks are done by then; any other is asked for again. */
const patienceMs = 5_000;

/** Takes a snapshot that is not complete yet, or goes on with it, and describes it as it is then. */
export async function takeSnapshot(
  { store: { copies, snapshots }, pool }: { readonly store: Store; readonly pool: DescribedPool },
  asked: SnapshotOf,
): Promise<SnapshotInit> {
  const { key } = asked;
  const job = snapshotJob(key);
  // When its copy was begun, where that is under way.
  const created = copies.about(job)?.since ?? asked.created;
  const work = snapshotWork({ ...asked, created });
  const made = await copies.run(job, work, patienceMs);
  if (made === undefined) return describePending(pool, key, work.about);
  snapshots.note(key, made);
  return describeSnapshot(pool, key, made);
}
