import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import type { Tree } from '../../pools/tree.ts';
import { type Attachment, type AttachResult, attach, detach } from './attachments.ts';
import type { VolumeRecord } from './record.ts';
import { asideName, readRecord, readRecordAt } from './records.ts';
import type { State } from './state.ts';

/**
 * Attaches a volume that has a record, and looks afterwards whether it is still there: a deletion takes the record
 * aside first and looks for attachments then, so that one of the two always sees the other, whichever controllers
 * they run on. Throws ABORTED where the volume is being deleted.
 */
export async function attachRecorded(
  state: State,
  tree: Tree,
  { key, record }: { readonly key: string; readonly record: VolumeRecord },
  attachment: Attachment,
  multiNode: boolean,
): Promise<AttachResult> {
  const result = await attach(state, tree, key, attachment, multiNode);
  if (result.kind !== 'attached' || (await isThere(state, tree, key, record.id))) return result;
  // An attachment from before the deletion is what the deletion fails on.
  if (result.fresh) await detach(state, tree, key, attachment.nodeId);
  throw new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being deleted at the same time, and was not attached; repeat the call.`,
  );
}

/** A change that was under way may have put a record in the place of the one that was set aside. */
async function isThere(state: State, tree: Tree, key: string, id: string): Promise<boolean> {
  if ((await readRecord(state, tree, key))?.id !== id) return false;
  return (await readRecordAt(state, tree, asideName(key, id))) === undefined;
}
