import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../../src/doctor/pool/judge.ts';
import type { Measurements, Step } from '../../../src/doctor/pool/measurement.ts';
import { parseMeasurements } from '../../../src/doctor/pool/measurement.ts';

const options = { pool: 'nas', path: undefined, nodeId: 'worker-7', timeoutMs: 10_000 };
const GiB = 2 ** 30;

const cases: readonly [what: string, step: Step, measured: Measurements, verdict: string, line: RegExp][] = [
  [
    'a squashed root',
    'owners',
    { owners: { value: { made: 65_534, given: 5, became: null } } },
    'warn',
    /root_squash.*65534/,
  ],
  ['kept owners', 'owners', { owners: { value: { made: 0, given: 5, became: 5 } } }, 'ok', /kept/],
  [
    'mapped users',
    'owners',
    { owners: { value: { made: 0, given: 5, became: 65_534 } } },
    'warn',
    /mapped.*idmap/,
  ],
  ['groups of the server', 'groups', { groups: { value: { status: 1 } } }, 'warn', /fsGroup.*manage-gids/],
  ['groups of the client', 'groups', { groups: { value: { status: 0 } } }, 'ok', /fsGroup counts/],
  ['no setpriv', 'groups', { groups: { value: { status: 127 } } }, 'ok', /not tried/],
  ['a clock that is ahead', 'clock', { clock: { value: { aheadMs: 61_000 } } }, 'warn', /61 s ahead of/],
  ['a clock that is behind', 'clock', { clock: { value: { aheadMs: -9_000 } } }, 'warn', /9 s behind/],
  ['a clock of a moment', 'clock', { clock: { value: { aheadMs: -900 } } }, 'ok', /agrees/],
  [
    'no statd',
    'locks',
    { locks: { value: { status: 65, complaint: 'flock: x: No locks available' } } },
    'fail',
    /rpc\.statd/,
  ],
  ['a grace period', 'locks', { locks: { value: { status: 1, complaint: '' } } }, 'warn', /not granted/],
  ['no flock', 'locks', { locks: { value: { status: null, complaint: '' } } }, 'ok', /not installed/],
  ['a slow server', 'round-trip', { 'round-trip': { value: { milliseconds: 80 } } }, 'warn', /80 ms/],
  [
    'few files',
    'space',
    { space: { value: { total: GiB, available: GiB, files: 100, freeFiles: 1 } } },
    'warn',
    /1 of 100 files/,
  ],
  [
    'no files',
    'space',
    { space: { value: { total: GiB, available: GiB, files: 100, freeFiles: 0 } } },
    'fail',
    /no more files/,
  ],
  [
    'a filesystem without inodes',
    'space',
    { space: { value: { total: GiB, available: GiB, files: 0, freeFiles: 0 } } },
    'ok',
    /1\.0 GiB of 1\.0 GiB/,
  ],
  [
    'a state of somebody else',
    'state',
    { state: { error: 'EACCES' } },
    'fail',
    /\.berth cannot be entered.*root_squash/,
  ],
  ['a write that is refused', 'write', { write: { error: 'EROFS' } }, 'fail', /pool nas is read-only/],
  ['an errno without a meaning', 'write', { write: { error: 'EMFILE' } }, 'fail', /failed with EMFILE/],
  ['a step that did not end', 'write', { write: {} }, 'fail', /did not answer within 10 s/],
];

for (const [what, step, measured, verdict, line] of cases) {
  test(`${what} is judged`, () => {
    const finding = judge(step, measured, options);
    assert.equal(finding?.verdict, verdict);
    assert.match(`${finding?.says} ${finding?.advice}`, line);
  });
}

test('a step that was not begun is not judged', () => {
  assert.equal(judge('clone', {}, options), undefined);
});

test('what a probe told before it was ended counts', () => {
  const output = '{"step":"open"}\n{"step":"open","value":{"directory":true}}\n{"step":"write"}\n';
  assert.deepEqual(parseMeasurements(output), { open: { value: { directory: true } }, write: {} });
});
