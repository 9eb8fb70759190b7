import { createHash, randomBytes } from 'node:crypto';
import { ignoring, isErrno } from '../../errors/errno.ts';
import type { Tree } from '../../pools/tree.ts';
import { type State, stateDirMode } from '../state/state.ts';
import { isKey } from '../volume-id.ts';

/**
 * Who is at work on a copy: `.berth/copies/<job>` is a symbolic link whose target says it. Made exclusively, so that a
 * copy is made once, whatever controllers there are. Its owner sets its time every few seconds; whoever sees that it
 * stands still takes the job over, and begins anew.
 */
export interface CopyLock {
  /** Of one process. */
  readonly worker: string;
  /** What is being made, beside the lock; no other attempt has that name. */
  readonly copy: string;
  readonly about: CopyAbout;
}

/** What a copy is made for; for those who did not begin it. */
export interface CopyAbout {
  /** The CSI name of the snapshot or the volume. */
  readonly name: string;
  /** What is copied; see source-ref.ts. */
  readonly from: string;
  /** When the copy was asked for; milliseconds since 1970. */
  readonly since: number;
  /** Of what is copied, in bytes. */
  readonly size: bigint;
  /** Of a snapshot that is a member of a group: that one's key. */
  readonly group?: string;
}

/** A lock, and what changes of it while its owner lives. */
export interface SeenLock extends CopyLock {
  readonly beat: bigint;
}

/** Begins the name of a copy, and of a claim on a lock. */
const copyMark = '+';
const claimMark = ',';

/** Whether a name is that of a copy that is being made, or of a snapshot's data. */
export function isCopyName(name: string): boolean {
  return /^\+[\w-]{12}$/.test(name);
}

/** Whether a name in the folder is that of a lock: jobs begin with a letter. */
function isJob(name: string): boolean {
  return /^[a-z]/.test(name);
}

/** Whether a name in the folder is that of a claim on a lock. */
export function isClaim(name: string): boolean {
  return name.startsWith(claimMark);
}

/** A name for what is made aside, which nothing else has. */
export function newAside(): string {
  return copyMark + randomBytes(9).toString('base64url');
}

export function newLock(worker: string, about: CopyAbout): CopyLock {
  return { worker, about, copy: newAside() };
}

/** False where somebody is at work on it. */
export async function takeLock(state: State, tree: Tree, job: string, lock: CopyLock): Promise<boolean> {
  try {
    await tree.symlink(state.copies, job, encode(lock));
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  await tree.sync(state.copies);
  return true;
}

/** Undefined where nobody is at work on it. Never from what an NFS client remembers of the folder. */
export async function readLock(state: State, tree: Tree, job: string): Promise<SeenLock | undefined> {
  await tree.setMode(state.copies, stateDirMode);
  return readLockAt(state, tree, job);
}

/** All jobs that somebody is at work on, or was. */
export async function readLocks(state: State, tree: Tree): Promise<Map<string, SeenLock>> {
  await tree.setMode(state.copies, stateDirMode);
  const locks = new Map<string, SeenLock>();
  for (const job of await tree.list(state.copies, '.')) {
    const lock = isJob(job) ? await readLockAt(state, tree, job) : undefined;
    if (lock !== undefined) locks.set(job, lock);
  }
  return locks;
}

async function readLockAt(state: State, tree: Tree, job: string): Promise<SeenLock | undefined> {
  try {
    const { mtimeNs } = await tree.lstat(state.copies, job);
    return { ...decode(await tree.readlink(state.copies, job)), beat: mtimeNs };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL')) return undefined;
    throw error;
  }
}

/** Shows others that the owner lives. Whoever has lost the lock does no harm with it. */
export function beat(state: State, tree: Tree, job: string): Promise<void> {
  return tree.setLinkTime(state.copies, job, new Date());
}

export function isSame(one: CopyLock | undefined, other: CopyLock): boolean {
  return one !== undefined && one.worker === other.worker && one.copy === other.copy;
}

/**
 * Takes a job from an owner that shows no life. Of several who do, one succeeds, by a claim on just this lock; false for
 * the others. What the old owner made is moved away first: late as it may be, it cannot put that anywhere any more.
 */
export async function takeOver(
  state: State,
  tree: Tree,
  job: string,
  old: CopyLock,
  next: CopyLock,
): Promise<boolean> {
  const claim = `${claimMark}${job}.${createHash('sha256').update(encode(old)).digest('hex').slice(0, 16)}`;
  const claimed = await takeLock(state, tree, claim, next);
  // Only whoever has the claim may replace this lock; so it stays what it is from here on, or has gone before.
  if (!isSame(await readLock(state, tree, job), old)) {
    if (claimed) await ignoring(tree.unlink(state.copies, claim), 'ENOENT');
    return false;
  }
  // Another one's claim is applied too: it may have been killed before.
  await ignoring(tree.rename(state.copies, claim, state.copies, job), 'ENOENT');
  await tree.sync(state.copies);
  if (!claimed) return false;
  await moveAway(state, tree, old.copy);
  return true;
}

/** Gives up a job; nothing where another one has it by now. */
export async function releaseLock(state: State, tree: Tree, job: string, lock: CopyLock): Promise<void> {
  if (!isSame(await readLock(state, tree, job), lock)) return;
  await ignoring(tree.unlink(state.copies, job), 'ENOENT');
  await tree.sync(state.copies);
}

/** The owner of a job whose result was deleted before it was there. */
const deleter = 'deleted';

export function isCancelled({ worker }: CopyLock): boolean {
  return worker === deleter;
}

/**
 * Takes a job from whoever has it, and leaves it so: what its owner has published at this very moment he takes back, by
 * what he finds here; nothing else is published. False where others are at work on the lock too.
 */
export async function cancelLock(state: State, tree: Tree, job: string): Promise<boolean> {
  const seen = await readLock(state, tree, job);
  if (seen === undefined || isCancelled(seen)) return true;
  return takeOver(state, tree, job, seen, newLock(deleter, seen.about));
}

/** Has a copy that is of no use removed in the background. */
export async function moveAway(state: State, tree: Tree, copy: string): Promise<void> {
  // Of a lock that cannot be read.
  if (!isCopyName(copy)) return;
  await ignoring(
    tree.rename(state.copies, copy, state.trash, `copy-${copy.slice(copyMark.length)}`),
    'ENOENT',
  );
  await tree.sync(state.trash, state.copies);
}

function encode({ worker, copy, about }: CopyLock): string {
  const { name, from, since, size, group } = about;
  return JSON.stringify({ v: 1, worker, copy, name, from, since, size: size.toString(), group });
}

/** What nobody of this version has written is nobody's, and is taken over like that of one who shows no life. */
function decode(text: string): CopyLock {
  const { v, worker, copy, name, from, since, size, group } = parse(text);
  if (
    v !== 1 ||
    typeof worker !== 'string' ||
    typeof copy !== 'string' ||
    !isCopyName(copy) ||
    typeof name !== 'string' ||
    typeof from !== 'string' ||
    typeof since !== 'number' ||
    typeof size !== 'string' ||
    !/^\d{1,19}$/.test(size)
  ) {
    return { worker: '', copy: '', about: { name: '', from: '', since: 0, size: 0n } };
  }
  const about = { name, from, since, size: BigInt(size) };
  return { worker, copy, about: typeof group === 'string' && isKey(group) ? { ...about, group } : about };
}

function parse(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
