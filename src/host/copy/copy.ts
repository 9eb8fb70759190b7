import { constants, fsyncSync } from 'node:fs';
import { hasOption } from '../mountinfo.ts';
import { Crew } from './crew.ts';
import { close, makeDirAt, openAt, syncFilesystem } from './libc.ts';
import type { CopyRequest } from './lines.ts';
import { mountOf } from './mount-of.ts';
import { type Counts, Tally } from './tally.ts';
import { ThreadWork } from './thread-work.ts';
import { TreeCopier } from './tree-copier.ts';

/** The directories of the source and of the copy, as the program is started with them. */
const sourceDir = 3;
const copyDir = 4;

const tellEveryMs = 1_000;

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Copies what the request names; all of it is on the server's disk, or this machine's, when it returns. */
export async function copy(request: CopyRequest, tell: (progress: Counts) => void): Promise<Counts> {
  const tally = new Tally();
  const telling = setInterval(() => tell(tally.counts), tellEveryMs);
  try {
    await (request.kind === 'tree' ? copyTree(request, tally) : copyFile(request, tally));
    return tally.counts;
  } finally {
    clearInterval(telling);
  }
}

async function copyTree({ name, copy: newName, threads }: CopyRequest, tally: Tally): Promise<void> {
  const from = openAt(sourceDir, Buffer.from(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  makeDirAt(copyDir, Buffer.from(newName), 0o700);
  const to = openAt(copyDir, Buffer.from(newName), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const crew = new Crew({ start: threadStart(tally, to), size: threads, program: process.argv[1] ?? '' });
  await new TreeCopier({ from, to }, crew, tally).copy();
  await crew.end();
  // Once for all of it: a sync of each file would wait for a disk each time. An NFS client has written each when it was closed.
  syncFilesystem(to);
}

async function copyFile({ name, copy: newName }: CopyRequest, tally: Tally): Promise<void> {
  const work = new ThreadWork(threadStart(tally, copyDir));
  work.do({ kind: 'file', from: sourceDir, name: Buffer.from(name), to: copyDir, as: Buffer.from(newName) });
  const copied = openAt(copyDir, Buffer.from(newName), O_RDONLY | O_NOFOLLOW);
  fsyncSync(copied);
  fsyncSync(copyDir);
  close(copied);
}

function threadStart(tally: Tally, on: number) {
  const mount = mountOf(on);
  // An NFS client opens a device as what it is too.
  const devices = mount === undefined || !hasOption(mount, 'nodev');
  return { tally: tally.shared, on, devices };
}
