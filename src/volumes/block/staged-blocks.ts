import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { findBlockDevice } from '../../host/block-device.ts';
import { type FileIdentity, listLoops, loopOf, sequenceOf } from '../../host/loop.ts';
import { possibleMountPoint } from '../../host/mount-point.ts';
import { type Mount, readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import type { BlockNote, BlockNotes } from './block-notes.ts';
import { shows } from './device-shown.ts';

const timeoutMs = 20_000;

/** A block volume with its device on this node. */
export interface StagedBlock {
  readonly note: BlockNote;
  readonly device: string;
}

/** The block volumes that are staged here: what is noted of them, as far as the machine still shows it. */
export class StagedBlocks {
  readonly notes: BlockNotes;

  constructor(notes: BlockNotes) {
    this.notes = notes;
  }

  /** Whether there may be something of the volume to be taken down. */
  has(volumeId: string): boolean {
    return this.notes.find(volumeId) !== undefined;
  }

  /** Undefined where it has no device here (any more). Throws CommandError. */
  async find(volumeId: string): Promise<StagedBlock | undefined> {
    const note = this.notes.find(volumeId);
    if (note === undefined) return undefined;
    const device = await deviceOf(note);
    return device === undefined ? undefined : { note, device };
  }

  /** Another volume that has the same file or device here. */
  async twinOf(volumeId: string, backing: FileIdentity): Promise<string | undefined> {
    for (const note of this.notes.all()) {
      if (note.volumeId === volumeId || !isSameFile(note, backing)) continue;
      // One whose device is gone tells of what was: a file's number is given to another one after it.
      if ((await deviceOf(note)) !== undefined) return note.volumeId;
    }
    return undefined;
  }

  /** A volume and what it shows at a path. Throws NOT_FOUND. */
  async at(volumeId: string, path: string): Promise<StagedBlock & { readonly mount: Mount }> {
    const staged = await this.find(volumeId);
    const mount = mountAt(path);
    if (staged !== undefined && mount !== undefined && shows(mount, staged)) {
      return { ...staged, mount };
    }
    throw new CsiError(
      status.NOT_FOUND,
      'volume-not-published',
      `The volume ${volumeId} is neither staged nor published at that path of this node.`,
    );
  }
}

/** The device that was set up for a volume, as long as it is the same one. Throws CommandError. */
export async function deviceOf(note: BlockNote): Promise<string | undefined> {
  if (!note.isOfThisBoot) return undefined;
  if (note.node === undefined) {
    if (note.loop !== undefined && sequenceOf(note.loop.path) === note.loop.sequence) return note.loop.path;
    const found = loopOf(await listLoops({ timeoutMs }), note);
    return found?.isWhole === true ? found.path : undefined;
  }
  const found = findBlockDevice(note.node);
  return found !== undefined && isSameFile(found.identity, note) ? found.path : undefined;
}

export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}

/** What is mounted at a path of a request; undefined also where nothing can be. */
function mountAt(path: string): Mount | undefined {
  const place = possibleMountPoint(path);
  return place === undefined ? undefined : topmostAt(readMountinfo(), place);
}
