// The program that copies, in a process of its own: its calls hold their threads, and one that hangs on a dead server
// is ended with it. The directories of source and copy are its descriptors 3 and 4. It tells of its progress in lines of
// JSON on standard output, and of its end in the last one.
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { copy } from './copy.ts';
import { endWithParent } from './libc.ts';
import { type CopyLine, parseRequest, toFailure } from './lines.ts';
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
    const counts = await copy(parseRequest(process.argv[2] ?? ''), (progress) => tell({ progress }));
    tell({ done: counts });
    process.exit(0);
  } catch (error) {
    tell({ failure: toFailure(error) });
    process.exit(1);
  }
}

function tell(line: CopyLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
