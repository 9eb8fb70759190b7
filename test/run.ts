// Runs every test: two files at a time, but for those that need all of this machine. One report, and one summary.
import { resolve } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';

interface Part {
  readonly files: readonly string[];
  readonly atOnce: number;
}

const parts: readonly Part[] = [
  {
    files: ['unit/**/*.test.ts', 'wire/*.test.ts', 'integration/**/*.test.ts', 'deploy/*.test.ts'],
    atOnce: 2,
  },
  // An image is built, by two of them; a cluster is three virtual machines; csi-sanity keeps a driver busy.
  { files: ['image/*.test.ts', 'kubernetes/short.test.ts', 'sanity/local.test.ts'], atOnce: 1 },
  // A virtual machine each, which waits for time-outs much of the time.
  { files: ['sanity/nfs.test.ts', 'vm/*.test.ts'], atOnce: 2 },
];

const startedAt = performance.now();
let summary: TestEvent | undefined;
/** What the runner counts, by its own names and in its order. */
const totals = new Map<string, number>();
const report = new PassThrough({ objectMode: true });
const written = pipeline(report, spec(), process.stdout, { end: false });
for (const part of parts) await runPart(part);
for (const [name, total] of totals) summarize(`${name} ${total}`);
summarize(`duration_ms ${performance.now() - startedAt}`);
// By which the report is asked for what has failed.
if (summary !== undefined) report.write(summary);
report.end();
await written;

async function runPart({ files, atOnce }: Part): Promise<void> {
  const events: Readable = run({
    globPatterns: [...files],
    cwd: resolve(import.meta.dirname),
    concurrency: atOnce,
  });
  for await (const event of events as AsyncIterable<TestEvent>) {
    if (event.type === 'test:fail') process.exitCode = 1;
    // Those without a file are of the part; the report has its own, at its end.
    if (event.type === 'test:diagnostic' && event.data.file === undefined) count(event.data.message);
    else if (event.type === 'test:summary' && event.data.file === undefined) summary = event;
    else report.write(event);
  }
}

/** A part's own summary, a line at a time. */
function count(line: string): void {
  const [, name = '', total = ''] = /^([a-z]+) (\d+)$/.exec(line) ?? [];
  if (name !== '') totals.set(name, (totals.get(name) ?? 0) + Number(total));
}

function summarize(message: string): void {
  report.write({ type: 'test:diagnostic', data: { message, nesting: 0, level: 'info' } });
}
