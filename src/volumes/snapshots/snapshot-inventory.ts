import type { Tree } from '../../pools/tree.ts';
import { type CopyAbout, isCancelled, readLocks } from '../copies/copy-lock.ts';
import type { State } from '../state/state.ts';
import type { SnapshotRecord } from './snapshot-record.ts';
import { isUnreadable, readSnapshot, snapshotKeys } from './snapshot-records.ts';
import { snapshotOfJob } from './take-snapshot.ts';

/**
 * A record never changes; one that was deleted and made again under the same name by another controller shows after this
 * time. Which snapshots there are is read each time.
 */
const trustMs = 300_000;

/** One snapshot of a pool: complete, or being copied by some controller. */
export interface SnapshotEntry {
  readonly key: string;
  readonly state: { readonly record: SnapshotRecord } | { readonly pending: CopyAbout };
}

/** The snapshots of one pool, with the records that were read before kept. */
export class SnapshotInventory {
  readonly #known = new Map<string, { readonly record: SnapshotRecord; readonly readAt: number }>();

  /** Takes note of what this process has just written or read. */
  note(key: string, record: SnapshotRecord): void {
    this.#known.set(key, { record, readAt: performance.now() });
  }

  forget(key: string): void {
    this.#known.delete(key);
  }

  /** All that can be read, by their keys. One that cannot must not hide the others. */
  async all(state: State, tree: Tree): Promise<SnapshotEntry[]> {
    // First what is being copied: one that gets complete meanwhile is in both.
    const entries = new Map<string, SnapshotEntry>();
    for (const [key, pending] of await pendingSnapshots(state, tree)) {
      entries.set(key, { key, state: { pending } });
    }
    const keys = await snapshotKeys(state, tree);
    const present = new Set(keys);
    for (const key of this.#known.keys()) if (!present.has(key)) this.forget(key);
    const records = await Promise.all(keys.map((key) => this.#read(state, tree, key)));
    for (const [index, key] of keys.entries()) {
      const record = records[index];
      if (record !== undefined) entries.set(key, { key, state: { record } });
    }
    return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async #read(state: State, tree: Tree, key: string): Promise<SnapshotRecord | undefined> {
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() - known.readAt < trustMs) return known.record;
    try {
      const record = await readSnapshot(state, tree, key);
      if (record !== undefined) this.note(key, record);
      return record;
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }
}

/** Those that are being copied, by whichever controller, and are not complete yet. */
async function pendingSnapshots(state: State, tree: Tree): Promise<Map<string, CopyAbout>> {
  const found = new Map<string, CopyAbout>();
  for (const [job, lock] of await readLocks(state, tree)) {
    const key = snapshotOfJob(job);
    if (key !== undefined && !isCancelled(lock) && lock.worker !== '') found.set(key, lock.about);
  }
  return found;
}
