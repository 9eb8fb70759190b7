import { bootId } from '../../host/boot.ts';
import { KeyedFiles } from '../keyed-files.ts';
import type { Backing } from './attached-device.ts';

/** A loop device as long as it has the same file. */
export interface NotedLoop {
  readonly path: string;
  /** The number of what it has (sequenceOf). */
  readonly sequence: string;
}

/** What a note is made of. */
export type NewNote = Omit<BlockNote, 'isOfThisBoot' | 'wasWritable'>;

/** What this node did for a block volume, for a driver that was restarted. */
export interface BlockNote extends Backing {
  readonly volumeId: string;
  /** Where its attachment is. */
  readonly pool: string;
  /** Under which that is kept there. */
  readonly key: string;
  /** The file, relative to the pool's root; undefined for a device of the node. */
  readonly image?: string;
  readonly readOnly: boolean;
  /** The loop device that it was given, to be found again without a look at all of them. */
  readonly loop?: NotedLoop;
  /**
   * The read-only loop device over its own, for pods that may only read a raw one (reader-device.ts). `begun`: there may
   * be one.
   */
  readonly reader?: NotedLoop | 'begun';
  /** Whether it was staged as a raw device; earlier versions did not note it. */
  readonly isRaw?: boolean;
  /** The mount flags that its filesystem was asked for with; earlier versions did not note them. */
  readonly flags?: string;
  /** Whether its attachment was in use since it was staged first; a later stage may ask for reading only, and fail. */
  readonly wasWritable: boolean;
  /** What was set up before a reboot is gone, and its device may be another one now. */
  readonly isOfThisBoot: boolean;
}

/**
 * Notes on disk of the block volumes that are staged here. NodeUnstageVolume names a volume and a path; which device is
 * the volume's, only its note tells. After a reboot it tells where the mark is that is to be taken away.
 */
export class BlockNotes {
  readonly #files: KeyedFiles;

  /** `directory`: on a disk of this machine. */
  constructor(directory: string) {
    this.#files = new KeyedFiles(directory);
  }

  /** Throws INTERNAL where the disk does not take it. */
  write(note: NewNote): void {
    const before = this.find(note.volumeId);
    const wasWritable = !note.readOnly || before?.wasWritable === true;
    const reader = note.reader ?? before?.reader;
    const { volumeId, pool, key, device, inode, image, node, flags, loop, isRaw, readOnly } = note;
    const fields = { pool, key, device, inode, image, node, flags, loop, reader, isRaw, readOnly };
    this.#files.write(
      volumeId,
      JSON.stringify({ v: 1, volume: volumeId, boot: bootId(), wasWritable, ...fields }),
    );
  }

  /** Undefined where the volume is not staged here as a block volume. */
  find(volumeId: string): BlockNote | undefined {
    return decode(this.#files.read(volumeId));
  }

  all(): BlockNote[] {
    return this.#files.all().flatMap((text) => decode(text) ?? []);
  }

  /** Throws INTERNAL where the disk does not let it go. */
  remove(volumeId: string): void {
    this.#files.remove(volumeId);
  }
}

/** Where what is noted comes from, as errors name it. */
export function originOf({ pool, image }: BlockNote): { readonly pool: string; readonly isDevice: boolean } {
  return { pool, isDevice: image === undefined };
}

function decode(text = 'null'): BlockNote | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (error) {
    // It lost its content when the machine lost its power, and with it what it tells of on this machine.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof fields !== 'object' || fields === null) return undefined;
  const {
    volume,
    pool,
    key,
    device,
    inode,
    image,
    node,
    flags,
    loop,
    reader,
    isRaw,
    readOnly,
    wasWritable,
    boot,
  }: Record<string, unknown> = {
    ...fields,
  };
  if (![volume, pool, key, device, inode].every((field) => typeof field === 'string')) return undefined;
  return {
    volumeId: String(volume),
    pool: String(pool),
    key: String(key),
    device: String(device),
    inode: String(inode),
    ...(typeof image === 'string' ? { image } : {}),
    ...(typeof node === 'string' ? { node } : {}),
    ...(typeof flags === 'string' ? { flags } : {}),
    ...(isLoop(loop) ? { loop } : {}),
    ...(isLoop(reader) || reader === 'begun' ? { reader } : {}),
    ...(typeof isRaw === 'boolean' ? { isRaw } : {}),
    readOnly: readOnly === true,
    wasWritable: wasWritable === true || readOnly !== true,
    isOfThisBoot: boot === bootId(),
  };
}

function isLoop(found: unknown): found is NotedLoop {
  if (typeof found !== 'object' || found === null) return false;
  const { path, sequence }: Record<string, unknown> = { ...found };
  return typeof path === 'string' && typeof sequence === 'string';
}
