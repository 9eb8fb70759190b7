// Runs every test: what runs on this machine itself, one file after the other, and beside it what runs in virtual
// machines, which have a kernel of their own and so are in nobody's way. One report, and one summary, of both.
import { resolve } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';

const lanes: readonly (readonly string[])[] = [
  [
    'unit/**/*.test.ts',
    'wire/*.test.ts',
    'integration/**/*.test.ts',
    'deploy/*.test.ts',
    'sanity/local.test.ts',
    'image/*.test.ts',
  ],
  ['vm/vm.test.ts', 'sanity/nfs.test.ts', 'kubernetes/short.test.ts'],
];

const startedAt = performance.now();
/** What the runner counts, by its own names and in its order. */
const totals = new Map<string, number>();
const report = new PassThrough({ objectMode: true });
const written = pipeline(report, spec(), process.stdout, { end: false });
await Promise.all(lanes.map(runLane));
for (const [name, total] of totals) summarize(`${name} ${total}`);
summarize(`duration_ms ${performance.now() - startedAt}`);
report.end();
await written;

/** A report tells a test after its subtests: what a lane says of one is passed on in one piece, once it has ended. */
async function runLane(globPatterns: readonly string[]): Promise<void> {
  let piece: TestEvent[] = [];
  const events: Readable = run({
    globPatterns: [...globPatterns],
    cwd: resolve(import.meta.dirname),
    concurrency: false,
  });
  for await (const event of events as AsyncIterable<TestEvent>) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      report.write(event);
      continue;
    }
    if (event.type === 'test:fail') process.exitCode = 1;
    if (event.type === 'test:diagnostic' && event.data.file === undefined) {
      count(event.data.message);
      continue;
    }
    piece.push(event);
    const isWhole = (event.type === 'test:pass' || event.type === 'test:fail') && event.data.nesting === 0;
    if (!isWhole) continue;
    for (const each of piece) report.write(each);
    piece = [];
  }
  for (const each of piece) report.write(each);
}

/** The lane's own summary, a line at a time. */
function count(line: string): void {
  const [, name = '', total = ''] = /^([a-z]+) (\d+)$/.exec(line) ?? [];
  if (name !== '') totals.set(name, (totals.get(name) ?? 0) + Number(total));
}

function summarize(message: string): void {
  report.write({ type: 'test:diagnostic', data: { message, nesting: 0, level: 'info' } });
}
