// The program that copies, in a process of its own: its calls hold their threads, and one that hangs on a dead server
// is ended with it. The directories of source and copy are its descriptors 3 and 4. It tells of its progress in lines of
// JSON on standard output, and of its end in the last one.
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type FailureLine, failureLine } from '../program/failure.ts';
import { copy } from './copy.ts';
import { endWithParent } from './libc.ts';
import type { CopyLine, CopyRequest } from './lines.ts';
import { type ThreadStart, ThreadWork, type Work } from './thread-work.ts';

if (isMainThread) void main();
else work();

function work(): void {
  // The cast: this same program has started the thread.
  const thread = new ThreadWork(workerData as ThreadStart);
  parentPort?.on('message', (piece: Work) => parentPort?.postMessage(thread.do(piece)));
}

async function main(): Promise<void> {
  endWithParent();
  // Modes are what is asked for.
  process.umask(0);
  try {
    // The cast: this program's own driver has started it.
    const request = JSON.parse(process.argv[2] ?? '') as CopyRequest;
    const counts = await copy(request, (progress) => tell({ progress }));
    tell({ done: counts });
    process.exit(0);
  } catch (error) {
    tell(failureLine(error));
    process.exit(1);
  }
}

function tell(line: CopyLine | FailureLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
