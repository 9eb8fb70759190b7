import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Tree } from '../pools/tree.ts';
import { type Replaced, settleLeft } from './image/fence.ts';
import { type AttachResult, attach, detach } from './state/attach.ts';
import type { Attachment } from './state/attachment.ts';
import { isItsOwn } from './state/left-behind.ts';
import { imageVersion, type VolumeRecord } from './state/record.ts';
import { asideName, readRecord, readRecordAt } from './state/records.ts';
import type { State } from './state/state.ts';

export interface AttachHooks {
  /** Runs what has to wait for others. */
  readonly inTurn?: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onReplaced?: (event: Replaced) => void;
}

/** `record`: as it is once the volume is attached. */
export type AttachRecordedResult =
  | { readonly kind: 'attached'; readonly record: VolumeRecord }
  | Extract<AttachResult, { readonly kind: 'incompatible' | 'elsewhere' }>;

/**
 * Attaches a volume that has a record, and looks afterwards whether it is still there: a deletion takes the record
 * aside first and looks for attachments then, so that one of the two always sees the other, whichever controllers they
 * run on. Of an image that was taken from a node by force, no other node can write to the file that the record names
 * then; that may take long (image/fence.ts), and is not done `inTurn`, as the attaching is. Throws ABORTED where the
 * volume is being deleted, and once its image was copied.
 */
export async function attachRecorded(
  state: State,
  tree: Tree,
  { key, record: found }: { readonly key: string; readonly record: VolumeRecord },
  attachment: Attachment,
  multiNode: boolean,
  { inTurn = (work) => work(), onReplaced }: AttachHooks = {},
): Promise<AttachRecordedResult> {
  let record: VolumeRecord | undefined = found;
  for (let attempt = 0; attempt < 10 && record?.id === found.id; attempt += 1) {
    const version = imageVersion(record);
    const wanted = { ...attachment, ...(version === undefined ? {} : { version }) };
    const result = await inTurn(() => attach(state, tree, key, wanted, multiNode));
    if (result.kind === 'left') {
      const asked = { ...wanted, multiNode };
      for (const left of result.left) {
        const settle = () => settleLeft(state, tree, key, left, asked, onReplaced);
        // That attaches it, and takes a moment.
        await (isItsOwn(left, asked) ? inTurn(settle) : settle());
      }
      record = await readRecord(state, tree, key);
      continue;
    }
    if (result.kind !== 'attached') return result;
    record = await findCurrent(state, tree, key, found.id);
    // An attachment from before the deletion is what the deletion fails on.
    if (record === undefined && !result.fresh) break;
    // Else it is for a volume that is gone, or for a file that was replaced meanwhile, of which nobody is told any
    // more.
    if (record !== undefined && imageVersion(record) === result.attachment.version)
      return { kind: 'attached', record };
    await detach(state, tree, key, attachment.nodeId);
  }
  throw new CsiError(
    status.ABORTED,
    'volume-busy',
    `The volume ${key} is being deleted or changed at the same time, and was not attached; repeat the call.`,
  );
}

/** A change that was under way may have put a record in the place of the one that was set aside. */
async function findCurrent(
  state: State,
  tree: Tree,
  key: string,
  id: string,
): Promise<VolumeRecord | undefined> {
  const record = await readRecord(state, tree, key);
  if (record?.id !== id) return undefined;
  return (await readRecordAt(state, tree, asideName(key, id))) === undefined ? record : undefined;
}
