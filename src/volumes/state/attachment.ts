import { keyOf } from '../volume-id.ts';
import { temporaryName } from './records.ts';

/** That a volume is attached to a node; the target of a symbolic link (attachment-folder.ts). */
export interface Attachment {
  readonly nodeId: string;
  readonly readOnly: boolean;
  /** Which file the node is told of, where that may be replaced; see imageVersion (record.ts). */
  readonly version?: string;
  /** Set for a static volume: its handle and where it is, since no record says so. */
  readonly handle?: string;
  readonly subDir?: string;
  readonly image?: string;
  readonly device?: string;
}

/**
 * A node has a volume with others (`multi`) or alone (`single`); of an image or a device it says when it may write, and
 * when it makes the filesystem.
 */
export type InUse = 'used' | 'making';

/** What is left of an attachment that was taken from a node which had not let go of the volume. */
export type Left = 'left' | 'unmade';

/** What a forced detach makes of an attachment. */
export const leftOf: Readonly<Record<InUse, Left>> = { used: 'left', making: 'unmade' };

/** What it is again for a node that gets back what it was taken. */
export const takenBackAs: Readonly<Record<Left, InUse>> = { left: 'used', unmade: 'making' };

interface Named {
  readonly name: string;
  /** The key of the node's id. */
  readonly node: string;
}

interface PlainEntry extends Named {
  readonly how: 'multi' | 'single';
}

interface Numbered extends Named {
  /**
   * Random, and never used again: a rename that was given up may still be on its way to the server, and must not find
   * what it was meant for under the same name later.
   */
  readonly id: string;
}

export interface InUseEntry extends Numbered {
  readonly how: InUse;
}

export interface LeftEntry extends Numbered {
  readonly how: Left;
}

export type AttachedEntry = PlainEntry | InUseEntry;
export type Entry = AttachedEntry | LeftEntry;

/** The name of a node's attachment in the volume's folder. */
export function attachedName(how: PlainEntry['how'], nodeId: string): string {
  return `${how},${keyOf(nodeId)}`;
}

/** The name of one that is in use, or was left; `node` is the key of its id. */
export function numberedName(how: InUse | Left, node: string, id = temporaryName()): string {
  return `${how},${id},${node}`;
}

/** Reads a name; undefined for one that is none of Berth's. */
export function readEntry(name: string): Entry | undefined {
  const [how = '', first, second, ...more] = name.split(',');
  if (first === undefined || more.length > 0) return undefined;
  if (second === undefined) {
    return how === 'multi' || how === 'single' ? { name, how, node: first } : undefined;
  }
  const numbered = { name, id: first, node: second };
  if (how === 'used' || how === 'making') return { ...numbered, how };
  return how === 'left' || how === 'unmade' ? { ...numbered, how } : undefined;
}

export function isInUse(entry: Entry): entry is InUseEntry {
  return entry.how === 'used' || entry.how === 'making';
}

export function isLeft(entry: Entry): entry is LeftEntry {
  return entry.how === 'left' || entry.how === 'unmade';
}

export function isAttached(entry: Entry): entry is AttachedEntry {
  return !isLeft(entry);
}

export function encodeAttachment({
  nodeId,
  readOnly,
  version,
  handle,
  subDir,
  image,
  device,
}: Attachment): string {
  return JSON.stringify({
    v: 1,
    node: nodeId,
    ro: readOnly || undefined,
    version,
    handle,
    dir: subDir,
    image,
    device,
  });
}

/** A mangled attachment still counts as one, by the node in its name: a writer is never overlooked. */
export function decodeAttachment(text: string, node: string): Attachment {
  const fallback = { nodeId: node, readOnly: false };
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== 'object' || fields === null) return fallback;
    const { node: nodeId, ro, version, handle, dir, image, device }: Record<string, unknown> = { ...fields };
    return {
      nodeId: typeof nodeId === 'string' ? nodeId : fallback.nodeId,
      readOnly: ro === true,
      ...(typeof version === 'string' ? { version } : {}),
      ...(typeof handle === 'string' ? { handle } : {}),
      ...(typeof dir === 'string' ? { subDir: dir } : {}),
      ...(typeof image === 'string' ? { image } : {}),
      ...(typeof device === 'string' ? { device } : {}),
    };
  } catch {
    return fallback;
  }
}
