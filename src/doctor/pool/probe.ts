// Runs in a process of its own, `berth doctor-probe`, with synchronous calls: one that hangs on a dead server is ended
// with its process, where a thread of the doctor could not be.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoName, isErrno } from '../../errors/errno.ts';
import { stateDirName } from '../../volumes/sub-dir.ts';
import { keyOf } from '../../volumes/volume-id.ts';
import type { Measured, ProbeLine, Step } from './measurement.ts';

export interface ProbeRequest {
  /** The pool's directory. */
  readonly directory: string;
  /** Of the files that are made for a moment. */
  readonly name: string;
  readonly nodeId: string | undefined;
  /** Steps that say nothing of this pool. */
  readonly skip: readonly string[];
}

const prefix = 'doctor-';
/** What a doctor that was killed left is removed by a later one. */
const leftBehindMs = 600_000;
const questions = 9;
const writtenBytes = 65_536;
/** To whom a file is given, to see whether that is possible: any user but root. */
const someUser = 12_345;
/** One that nobody is in. */
const someGroup = 12_346;
const lockLimitSeconds = 5;

/** A name for the files of one probe. */
export function probeName(): string {
  return `${prefix}${process.pid}-${Math.random().toString(36).slice(2, 10)}`;
}

/** The files that a probe of this name may have made, wherever it could. */
export function probeFiles({ directory, name }: Pick<ProbeRequest, 'directory' | 'name'>): string[] {
  return [join(directory, stateDirName), directory].flatMap((folder) => [
    join(folder, name),
    join(folder, `${name}.clone`),
  ]);
}

/** Works through the steps and tells of each on standard output; removes what it makes. */
export function probe(request: ProbeRequest): void {
  const { directory, name, nodeId, skip } = request;
  const opened = step('open', () => ({ directory: statSync(directory).isDirectory() }));
  if (opened?.directory !== true) return;
  const state = step('state', () => lookAtState(directory, nodeId));
  step('space', () => spaceOf(directory));
  step('round-trip', () => ({ milliseconds: median(questions, () => statfsSync(directory)) }));
  const folder = state?.present === true ? join(directory, stateDirName) : directory;
  // Hidden where people look.
  const file = join(folder, name);
  const clone = `${file}.clone`;
  try {
    if (step('write', () => write(file)) === undefined) return;
    const owners = step('owners', () => ownersOf(file));
    // Where owners are not kept, neither are groups.
    if (owners !== undefined && owners.became === owners.given && !skip.includes('groups')) {
      step('groups', () => ({ status: readAsMember(file) }));
    }
    if (!skip.includes('clock')) {
      step('clock', () => ({ aheadMs: Math.round(changedNow(file) - Date.now()) }));
    }
    step('clone', () => ({ clones: cloneTo(file, clone) }));
    if (!skip.includes('locks')) step('locks', () => lock(file));
  } finally {
    for (const path of [file, clone]) removeIfPossible(path);
  }
}

function step<S extends Step>(name: S, work: () => Measured[S]): Measured[S] | undefined {
  tell({ step: name });
  try {
    const value = work();
    tell({ step: name, value });
    return value;
  } catch (error) {
    tell({ step: name, error: errnoName(error) ?? String(error) });
    return undefined;
  }
}

function tell(line: ProbeLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function lookAtState(directory: string, nodeId: string | undefined): Measured['state'] {
  const state = join(directory, stateDirName);
  if (!exists(state)) return { present: false, announced: null };
  for (const name of readdirSync(state)) {
    const path = join(state, name);
    if (name.startsWith(prefix) && Date.now() - lstatSync(path).mtimeMs > leftBehindMs) {
      removeIfPossible(path);
    }
  }
  const announced = nodeId === undefined ? null : exists(join(state, 'nodes', keyOf(nodeId)));
  return { present: true, announced };
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function spaceOf(directory: string): Measured['space'] {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(directory);
  return { total: blocks * bsize, available: bavail * bsize, files, freeFiles: ffree };
}

function median(times: number, ask: () => unknown): number {
  const took = Array.from({ length: times }, () => {
    const startedAt = performance.now();
    ask();
    return performance.now() - startedAt;
  });
  return took.sort((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}

function write(file: string): Measured['write'] {
  const startedAt = performance.now();
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeSync(fd, Buffer.alloc(writtenBytes, 'berth '));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return { milliseconds: performance.now() - startedAt };
}

function ownersOf(file: string): Measured['owners'] {
  const made = lstatSync(file).uid;
  try {
    chownSync(file, someUser, someUser);
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'EACCES', 'EINVAL')) throw error;
    return { made, given: someUser, became: null };
  }
  return { made, given: someUser, became: lstatSync(file).uid };
}

/** What stays is removed by a later doctor. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made, or may not be touched, or the server is gone: the steps have told.
  }
}

/**
 * Has a user look who may read the file only by a supplementary group. The server is asked (NFS ACCESS), and goes
 * either by the groups that the client names or by its own list of users. By the open file: nobody else may enter its
 * folder.
 */
function readAsMember(file: string): number | null {
  chownSync(file, 0, someGroup);
  chmodSync(file, 0o040);
  const fd = openSync(file, 'r');
  try {
    const who = [`--reuid=${someUser}`, `--regid=${someUser}`, `--groups=${someGroup}`];
    const { status } = spawnSync('setpriv', [...who, 'test', '-r', '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    });
    return status;
  } finally {
    closeSync(fd);
  }
}

/** The server's own time, which it sets when it changes a file. */
function changedNow(file: string): number {
  const fd = openSync(file, 'r+');
  try {
    writeSync(fd, 'now');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return lstatSync(file).ctimeMs;
}

function cloneTo(file: string, clone: string): boolean {
  try {
    copyFileSync(file, clone, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EXDEV')) return false;
    throw error;
  }
}

function lock(file: string): Measured['locks'] {
  const { status, stderr, error } = spawnSync(
    'flock',
    ['--exclusive', '--timeout', String(lockLimitSeconds), file, 'true'],
    { encoding: 'utf8' },
  );
  return { status: error === undefined ? status : null, complaint: stderr ?? '' };
}
