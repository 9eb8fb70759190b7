import { attachLoop, detachLoop, growLoop, loopsOver, sequenceOf } from '../../host/loop.ts';
import type { BlockNotes } from './block-notes.ts';
import { isShown } from './device-shown.ts';
import type { StagedBlock } from './staged-blocks.ts';

const timeoutMs = 20_000;

/**
 * Gives what pods have a raw device read-only by, while others write to it: a read-only loop device over the volume's
 * own, one for all of them. Throws NoLoopDeviceError and CommandError, INTERNAL where it cannot be noted.
 */
export async function attachReader(staged: StagedBlock, notes: BlockNotes): Promise<string> {
  const { note, device } = staged;
  const [existing] = readersOf(staged);
  if (existing !== undefined) return existing;
  const path = await attachLoop(device, { readOnly: true, timeoutMs });
  const sequence = sequenceOf(path);
  if (sequence !== undefined) notes.write({ ...note, reader: { path, sequence } });
  return path;
}

/** Makes it as large as the volume's device is now. Throws CommandError. */
export async function growReaders(staged: StagedBlock): Promise<void> {
  for (const reader of readersOf(staged)) await growLoop(reader, { timeoutMs });
}

/** Takes it away where no pod has it any more. Throws DeviceBusyError and CommandError. */
export async function detachUnusedReaders(staged: StagedBlock): Promise<void> {
  for (const reader of readersOf(staged)) if (!isShown(reader)) await detachLoop(reader, { timeoutMs });
}

/**
 * Over an image's loop device nobody else has one, so what a driver left that was killed is found. Over a device of the
 * node others may have one, so there it is what was noted.
 */
function readersOf({ note, device }: StagedBlock): string[] {
  if (note.node === undefined) return loopsOver(device);
  const { reader } = note;
  return reader !== undefined && sequenceOf(reader.path) === reader.sequence ? [reader.path] : [];
}
