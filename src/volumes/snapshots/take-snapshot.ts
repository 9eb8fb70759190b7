import type { Tree } from '../../pools/tree.ts';
import type { CopyWork } from '../copies/copies.ts';
import { copySource, imageOf, sizeOf } from '../copies/source.ts';
import { formatSource } from '../copies/source-ref.ts';
import type { VolumeRecord } from '../state/record.ts';
import type { State } from '../state/state.ts';
import type { SnapshotRecord } from './snapshot-record.ts';
import { createSnapshotRecord, readSnapshot, removeSnapshot } from './snapshot-records.ts';

export interface SnapshotOf {
  /** Of the snapshot. */
  readonly key: string;
  readonly name: string;
  readonly volume: { readonly key: string; readonly record: VolumeRecord };
  /** Milliseconds since 1970. */
  readonly created: number;
  /** The key of the group that it is a member of. */
  readonly group?: string;
}

const jobMark = 'snapshot-';

/** The job's name over all controllers. */
export function snapshotJob(key: string): string {
  return jobMark + key;
}

/** The key of the snapshot that a job makes; undefined for other jobs. */
export function snapshotOfJob(job: string): string | undefined {
  return job.startsWith(jobMark) ? job.slice(jobMark.length) : undefined;
}

/** The work for one snapshot: its record is made once all of it is on the server's disk, and in its place. */
export function snapshotWork({ key, name, volume, created, group }: SnapshotOf): CopyWork<SnapshotRecord> {
  const source = { kind: 'volume', ...volume } as const;
  const { record } = volume;
  const image = imageOf(source);
  const member = group === undefined ? {} : { group };
  return {
    what: `the snapshot ${name}`,
    about: { name, from: formatSource(source), since: created, size: sizeOf(source), ...member },
    make: (state, tree, copy, watch) => copySource(state, tree, source, copy, watch),
    async publish(state, tree, copy) {
      const snapshot: SnapshotRecord = {
        name,
        source: volume.key,
        sourceId: record.id,
        created,
        size: image === undefined ? record.capacity : await imageSize(state, tree, copy.name),
        ...(image === undefined ? {} : { image }),
        data: copy.name,
        ...member,
      };
      await tree.rename(copy.dir, copy.name, state.snapshots, copy.name);
      await tree.sync(copy.dir, state.snapshots);
      try {
        if (await createSnapshotRecord(state, tree, key, snapshot)) return snapshot;
      } catch (error) {
        await putBack(state, tree, copy.name);
        throw error;
      }
      // Made meanwhile, by one that this process took for gone.
      await putBack(state, tree, copy.name);
      return (await readSnapshot(state, tree, key)) ?? snapshot;
    },
    async withdraw(state, tree, copy, snapshot) {
      if (snapshot.data === copy.name) await removeSnapshot(state, tree, key, snapshot);
    },
  };
}

/** To where the job takes it away. */
async function putBack(state: State, tree: Tree, name: string): Promise<void> {
  await tree.rename(state.snapshots, name, state.copies, name);
}

async function imageSize(state: State, tree: Tree, copy: string): Promise<bigint> {
  return (await tree.lstat(state.copies, copy)).size;
}
