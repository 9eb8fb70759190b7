import { keyOf } from '../volume-id.ts';
import { temporaryName } from './records.ts';

/** That a volume is attached to a node; the target of a symbolic link (attachments.ts). */
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
 * How a node has a volume: with others; alone; alone, and it may write; alone, and it makes the filesystem. The last two
 * only images and devices have; the node itself renames its attachment to them and back.
 */
export type Attached = 'multi' | 'single' | 'used' | 'making';

/** What is left of an attachment that was taken from a node which had not let go of the volume. */
export type Left = 'left' | 'unmade';

/** What a detach makes of an attachment; undefined: nothing, it goes. */
export const leftOf: Readonly<Record<Attached, Left | undefined>> = {
  multi: undefined,
  single: undefined,
  used: 'left',
  making: 'unmade',
};

/** What a node makes of it that takes back what it was taken from it. */
export const takenBackAs: Readonly<Record<Left, Attached>> = { left: 'used', unmade: 'making' };

export interface AttachedEntry {
  readonly name: string;
  readonly how: Attached;
  /** The key of the node's id. */
  readonly node: string;
}

export interface LeftEntry {
  readonly name: string;
  readonly how: Left;
  readonly node: string;
  /** Random; tells this one from an earlier or later one of the node. */
  readonly id: string;
}

export type Entry = AttachedEntry | LeftEntry;

/** The name of a node's attachment in the volume's folder. */
export function attachedName(how: Attached, nodeId: string): string {
  return `${how},${keyOf(nodeId)}`;
}

/** A name, used once, for what is left of an attachment. */
export function leftName(how: Left, node: string): string {
  return `${how},${temporaryName()},${node}`;
}

/** Reads a name; undefined for one that is none of Berth's. */
export function readEntry(name: string): Entry | undefined {
  const [how, ...rest] = name.split(',');
  const [first, second] = rest;
  if (first === undefined || rest.length > 2) return undefined;
  if (isAttachedHow(how)) return second === undefined ? { name, how, node: first } : undefined;
  return isLeftHow(how) && second !== undefined ? { name, how, id: first, node: second } : undefined;
}

export function isAttached(entry: Entry): entry is AttachedEntry {
  return isAttachedHow(entry.how);
}

export function isLeft(entry: Entry): entry is LeftEntry {
  return isLeftHow(entry.how);
}

function isAttachedHow(how: string | undefined): how is Attached {
  return how !== undefined && Object.hasOwn(leftOf, how);
}

function isLeftHow(how: string | undefined): how is Left {
  return how !== undefined && Object.hasOwn(takenBackAs, how);
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
