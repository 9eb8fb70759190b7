import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, findContent, planSmallFiles, writeFiles } from '../../../bench/copies/content.ts';
import { type CopyFigures, noServerFigures } from '../../../bench/copies/figures.ts';
import { formatCopyOptions, parseCopyOptions } from '../../../bench/copies/options.ts';
import { reportCopies } from '../../../bench/copies/report.ts';
import { temporaryDirectory } from '../../support/tree.ts';

test('ten thousand small files are of 100 bytes to 4 KiB, in some hundred folders', () => {
  const files = planSmallFiles(10_000);
  const sizes = files.map(({ bytes }) => bytes);
  assert.equal(Math.min(...sizes), 100);
  assert.equal(Math.max(...sizes), 4_096);
  assert.equal(new Set(files.map(({ path }) => path)).size, 10_000);
  assert.equal(new Set(files.map(({ path }) => path.replace(/\/[^/]+$/, ''))).size, 200);
});

test('a directory has what was planned for it once it is filled', async (t) => {
  const directory = await temporaryDirectory(t);
  const files = [...planSmallFiles(70), { path: 'large', bytes: 2_500_000 }];
  writeFiles(directory, files);
  assert.deepEqual(await findContent(directory), contentOf(files));
});

test('options are the same on the other side of the VM', () => {
  const options = { peer: '/cache/peer', rounds: 3, quick: true };
  assert.deepEqual(parseCopyOptions({ peer: '/cache/peer', rounds: '3', quick: true }), options);
  assert.deepEqual(formatCopyOptions(options), ['--rounds=3', '--quick', '--peer=/cache/peer']);
  assert.deepEqual(parseCopyOptions({}), { peer: undefined, rounds: 2, quick: false });
  for (const rounds of ['0', 'many', '1.5', '']) assert.equal(typeof parseCopyOptions({ rounds }), 'string');
});

const counted = (operations: Record<string, number>) => ({
  calls: 2,
  operations: Object.fromEntries(
    Object.entries(operations).map(([name, count]) => [name, { count, milliseconds: 1 }]),
  ),
});

const figures: CopyFigures = {
  sets: { large: { files: 4, bytes: 256 * 1024 ** 2 } },
  image: { bytes: 1024 ** 3, data: 256 * 1024 ** 2 },
  snapshots: 2_000,
  servers: {
    'xfs with reflink': {
      berth: { 'large: snapshot': [900, 1_000, 1_100], 'list: whole': [50] },
      peer: { 'large: snapshot': [30_000, 40_000] },
      operations: {
        'large: snapshot': counted({ CLONE: 8, GETATTR: 4 }),
        // What is read of it is no copy.
        'large: removed': counted({ READ: 2 }),
      },
    },
    ext4: {
      berth: {},
      peer: {},
      operations: { 'large: clone': counted({ COPY: 6, READ_PLUS: 2, WRITE: 1 }) },
    },
    'not measured': noServerFigures(),
  },
};

test("the report has both sides' medians, the ratio that is to be reached, and what crossed the network", () => {
  const lines = reportCopies(figures)
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '));
  assert.ok(
    lines.includes(
      '| 4 files, 268 MB: snapshot | xfs with reflink | 1000 ms (900 ms to 1100 ms) | 35.0 s (30.0 s to 40.0 s) | 35.00 | >= 20 x |',
    ),
    lines.join('\n'),
  );
  assert.ok(lines.includes('| 4 files, 268 MB: restore | ext4 | - | - | | >= 2 x |'));
  assert.ok(lines.includes('| ListSnapshots of 2,000 | 50 ms | - | - |'));
  assert.ok(lines.includes('| large: clone | ext4 | 0 | 1 | 0.5 | 0 | 3 | 4.5 |'));
  assert.deepEqual(lines.slice(-3), [
    'xfs with reflink: no byte of file data has crossed the network',
    'ext4: file data has crossed the network, in 3 operations',
    'not measured: the server has copied nothing',
  ]);
});
