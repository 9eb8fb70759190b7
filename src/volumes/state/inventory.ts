import { isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { isStaticKey } from '../volume-id.ts';
import { attachedKeys } from './attachment-folder.ts';
import { attachedNodes, attachmentsOf } from './attachments.ts';
import type { VolumeRecord } from './record.ts';
import { readRecord, recordKeys } from './records.ts';
import type { State } from './state.ts';

/** One volume of a pool, as ListVolumes tells of it. */
export interface InventoryEntry {
  readonly key: string;
  /** Undefined for a static volume, and where the record cannot be read. */
  readonly record: VolumeRecord | undefined;
  /** Why the record cannot be read; a sentence. */
  readonly problem?: string;
  /** Of a static volume: its handle, and its directory, image or device. */
  readonly handle?: string;
  readonly subDir?: string;
  readonly image?: string;
  readonly device?: string;
  readonly nodes: readonly string[];
}

/**
 * What other controllers change shows after this time in a list; what is there, and where it is attached, is
 * always read anew. 10,000 records would otherwise be 10,000 round trips a minute, as often as
 * external-attacher lists them.
 */
const trustMs = 300_000;

/** The volumes of one pool, with the records that were read before kept. */
export class Inventory {
  readonly #known = new Map<string, { readonly record: VolumeRecord; readonly readAt: number }>();
  /** The handles of static volumes that are attached, by their keys. */
  readonly #handles = new Map<string, string>();

  /** Takes note of what this process has just written or read; what was read before a later change is no news. */
  note(key: string, record: VolumeRecord): void {
    const known = this.#known.get(key)?.record;
    if (known?.id === record.id && known.revision > record.revision) return;
    this.#known.set(key, { record, readAt: performance.now() });
  }

  noteStatic(key: string, handle: string): void {
    this.#handles.set(key, handle);
  }

  forget(key: string): void {
    this.#known.delete(key);
    this.#handles.delete(key);
  }

  /** The keys of all volumes that this process has heard of, sorted: what is known of a pool that cannot be asked. */
  remembered(): string[] {
    return [...this.#known.keys(), ...this.#handles.keys()].sort();
  }

  /** A static volume's handle, if this process has heard of it. */
  handleOf(key: string): string | undefined {
    return this.#handles.get(key);
  }

  /** All keys of the pool, static volumes that are attached included, sorted. */
  async keys(state: State, tree: Tree): Promise<{ keys: string[]; attached: ReadonlySet<string> }> {
    const names = await tree.list(state.volumes, '.');
    const [dynamic, attachedOnes] = [recordKeys(names), attachedKeys(names)];
    const present = new Set(dynamic);
    for (const key of this.#known.keys()) if (!present.has(key)) this.#known.delete(key);
    const attached = new Set(attachedOnes);
    for (const key of this.#handles.keys()) if (!attached.has(key)) this.#handles.delete(key);
    const keys = [...dynamic, ...attachedOnes.filter(isStaticKey)].sort();
    return { keys, attached };
  }

  /**
   * Tells of these volumes; one that was deleted meanwhile, or is attached nowhere any more, is left out. `anew`:
   * trusts no record that was read before.
   */
  async describe(
    state: State,
    tree: Tree,
    keys: readonly string[],
    attached: ReadonlySet<string>,
    { anew = false } = {},
  ): Promise<InventoryEntry[]> {
    const entries = await Promise.all(
      keys.map((key) =>
        key.startsWith('@')
          ? this.#describeStatic(state, tree, key)
          : this.#describeDynamic(state, tree, key, attached.has(key), anew),
      ),
    );
    return entries.filter((entry) => entry !== undefined);
  }

  async #describeStatic(state: State, tree: Tree, key: string): Promise<InventoryEntry | undefined> {
    const attachments = await attachmentsOf(state, tree, key);
    const [{ handle, subDir, image, device } = {}] = attachments;
    if (handle === undefined) {
      this.forget(key);
      return undefined;
    }
    this.noteStatic(key, handle);
    const nodes = attachments.map(({ nodeId }) => nodeId);
    return {
      key,
      record: undefined,
      handle,
      ...(subDir === undefined ? {} : { subDir }),
      ...(image === undefined ? {} : { image }),
      ...(device === undefined ? {} : { device }),
      nodes,
    };
  }

  async #describeDynamic(
    state: State,
    tree: Tree,
    key: string,
    isAttached: boolean,
    anew: boolean,
  ): Promise<InventoryEntry | undefined> {
    const nodes = isAttached ? await attachedNodes(state, tree, key) : [];
    const known = this.#known.get(key);
    if (!anew && known !== undefined && performance.now() - known.readAt < trustMs) {
      return { key, record: known.record, nodes };
    }
    try {
      const record = await readRecord(state, tree, key);
      if (record === undefined) return undefined;
      this.note(key, record);
      return { key, record, nodes };
    } catch (error) {
      // A record that cannot be read must not hide the others, nor the volume itself.
      if (isErrno(error) || !(error instanceof Error)) throw error;
      return { key, record: undefined, problem: error.message, nodes };
    }
  }
}
