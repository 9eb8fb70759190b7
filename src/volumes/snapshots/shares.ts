import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { isCopyName } from '../copies/copy-lock.ts';
import { listAside } from '../state/aside.ts';
import { readRecordAnew } from '../state/records.ts';
import { isOlder } from '../state/settled.ts';
import { type State, stateDirMode } from '../state/state.ts';
import { isKey } from '../volume-id.ts';

/**
 * Which volumes are served straight from a snapshot's directory: `.berth/shares/<data>,<record id>,<volume key>`, made
 * before the volume is recorded, and before the snapshot is looked at for the last time. Whoever deletes the snapshot
 * takes its record away first and looks for shares then: one of both sees the other. The directory stays as long as one
 * of them is there, with or without the snapshot.
 */
export interface Share {
  readonly data: string;
  /** Of the volume: its record's id, and its key. */
  readonly id: string;
  readonly key: string;
}

/** One that is there already is fine. */
export async function makeShare(state: State, tree: Tree, share: Share): Promise<void> {
  try {
    await tree.symlink(state.shares, nameOf(share), 'v1');
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  await tree.sync(state.shares);
}

/** None there is fine. */
export async function releaseShare(state: State, tree: Tree, share: Share): Promise<void> {
  await ignoring(tree.unlink(state.shares, nameOf(share)), 'ENOENT');
}

/** What is served to a volume; never from what an NFS client remembers of the folder. */
export async function sharedData(state: State, tree: Tree): Promise<Set<string>> {
  return new Set((await readShares(state, tree)).map(({ data }) => data));
}

/** Removes those whose volume has gone, or was never recorded. */
export async function sweepShares(state: State, tree: Tree, olderThanMs: number): Promise<void> {
  for (const share of await readShares(state, tree)) {
    if (!(await isOlder(tree, state.shares, nameOf(share), olderThanMs))) continue;
    if (await isUsed(state, tree, share)) continue;
    await releaseShare(state, tree, share);
  }
}

async function isUsed(state: State, tree: Tree, { key, id, data }: Share): Promise<boolean> {
  const isItsRecord = async () => {
    const record = await readRecordAnew(state, tree, key);
    return record?.id === id && record.shared === data;
  };
  if (await isItsRecord()) return true;
  // Being deleted, which may be given up, perhaps at this very moment.
  const isAside = (await listAside(state, tree, key)).some(({ record }) => record.id === id);
  return isAside || isItsRecord();
}

async function readShares(state: State, tree: Tree): Promise<Share[]> {
  await tree.setMode(state.shares, stateDirMode);
  return (await tree.list(state.shares, '.')).map(parse).filter((share) => share !== undefined);
}

function nameOf({ data, id, key }: Share): string {
  return `${data},${id},${key}`;
}

/** Undefined for what else may lie there. */
function parse(name: string): Share | undefined {
  const [data = '', id = '', key = '', ...more] = name.split(',');
  return isCopyName(data) && /^[\w-]{8}$/.test(id) && isKey(key) && more.length === 0
    ? { data, id, key }
    : undefined;
}
