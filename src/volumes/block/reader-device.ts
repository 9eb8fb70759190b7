import { findBlockDevice } from '../../host/block-device.ts';
import {
  attachLoop,
  DeviceBusyError,
  detachLoop,
  growLoop,
  isLeaving,
  listLoops,
  sequenceOf,
} from '../../host/loop.ts';
import type { BlockNotes } from './block-notes.ts';
import { isShown } from './device-shown.ts';
import { isSameFile, type StagedBlock } from './staged-blocks.ts';

const timeoutMs = 20_000;

/**
 * Gives what pods have a raw device read-only by, while others write to it: a read-only loop device over the volume's
 * own, one for all of them. Throws DeviceBusyError, NoLoopDeviceError and CommandError, INTERNAL where it cannot be
 * noted.
 */
export async function attachReader(staged: StagedBlock, notes: BlockNotes): Promise<string> {
  const { note, device } = staged;
  const [existing] = await readersOf(staged);
  if (existing === undefined) notes.write({ ...note, reader: 'begun' });
  else if (isLeaving(existing)) throw new DeviceBusyError(existing);
  const path = existing ?? (await attachLoop(device, { readOnly: true, timeoutMs }));
  const sequence = sequenceOf(path);
  if (sequence !== undefined) notes.write({ ...note, reader: { path, sequence } });
  return path;
}

/** Makes it as large as the volume's device is now. Throws CommandError. */
export async function growReaders(staged: StagedBlock): Promise<void> {
  for (const reader of await readersOf(staged)) await growLoop(reader, { timeoutMs });
}

/** Takes it away where no pod has it any more. Throws DeviceBusyError and CommandError. */
export async function detachUnusedReaders(staged: StagedBlock): Promise<void> {
  for (const reader of await readersOf(staged)) {
    if (!isShown(reader)) await detachLoop(reader, { timeoutMs });
  }
}

/**
 * The one that was noted. What a driver has left that was killed before it could note it is found over an image's loop
 * device, over which nobody else has one; over a device of the node others may have one, so there it stays.
 */
async function readersOf({ note, device }: StagedBlock): Promise<string[]> {
  const { reader, node } = note;
  if (reader === undefined) return [];
  if (reader !== 'begun') return sequenceOf(reader.path) === reader.sequence ? [reader.path] : [];
  // By its node, since the path is one of the mount namespace in which it was opened.
  const below = node === undefined ? findBlockDevice(device) : undefined;
  if (below === undefined) return [];
  const loops = await listLoops({ timeoutMs });
  return loops.filter((loop) => loop.readOnly && isSameFile(loop, below.identity)).map(({ path }) => path);
}
