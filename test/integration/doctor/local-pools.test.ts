import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { cleanUp } from '../../support/clean-up.ts';
import { loopFilesystem } from '../../support/loop-filesystem.ts';
import { lineOf, makePatient } from './doctor.ts';

test('a pool that is well has status 0, a line for each check, and nothing left in it', async (t) => {
  const patient = await makePatient(t, { scratch: 'here/pool' });
  const pool = await patient.path('pool');
  const { status, output } = await patient.run();
  assert.equal(status, 0, output);
  const lines = output.trimEnd().split('\n');
  assert.match(lines.at(-1) ?? '', /^\d+ ok, \d+ warnings?, 0 failures$/);
  const columns = lines
    .slice(0, -1)
    .map((line) => /^(ok|warn) {2,4}(machine|pool scratch) +[a-z-]+ +/.exec(line)?.[0].length);
  assert.equal(new Set(columns).size, 1, `the sentences begin in one column:\n${output}`);
  for (const check of ['directory', 'state', 'space', 'round-trip', 'write', 'owners', 'clone']) {
    assert.ok(
      lines.some((line) => line.includes(`pool scratch  ${check} `)),
      check,
    );
  }
  assert.deepEqual(readdirSync(pool), []);
  assert.ok(!existsSync(patient.stateDir));
});

test('--json gives one object with every finding', async (t) => {
  const patient = await makePatient(t, { scratch: 'here/pool', lost: 'here/lost' });
  await patient.path('pool');
  const told = await patient.examine();
  assert.equal(told.status, 1);
  assert.equal(told.ok, false);
  const counted = { ok: 0, warn: 0, fail: 0 };
  for (const line of told.checks) {
    counted[line.verdict] += 1;
    assert.deepEqual(Object.keys(line), ['pool', 'check', 'verdict', 'says', 'advice']);
    assert.match(line.says, /^[A-Z0-9/].*\.$/);
    if (line.verdict !== 'ok') assert.match(`${line.says} ${line.advice}`, /\.$/);
  }
  assert.deepEqual(told.counts, counted);
  assert.equal(lineOf(told, null, 'user').verdict, 'ok');
  assert.equal(lineOf(told, 'scratch', 'write').verdict, 'ok');
});

test('a directory that is missing, and a file in its place, are failures', async (t) => {
  const patient = await makePatient(t, { lost: 'here/lost', file: 'here/file' });
  await writeFile(join(patient.here, 'file'), 'x');
  const told = await patient.examine();
  assert.equal(told.status, 1);
  assert.match(lineOf(told, 'lost', 'directory').says, /There is no directory .*lost/);
  assert.match(lineOf(told, 'file', 'directory').says, /is no directory/);
  assert.ok(!told.checks.some(({ check }) => check === 'write'), 'what needs the directory is left out');
});

test('a pool that the doctor may not touch is told of step by step all the same', async (t) => {
  const nobody = 65_534;
  const patient = await makePatient(t, { scratch: 'here/pool' }, nobody);
  await chmod(patient.here, 0o755);
  await chmod(await patient.path('pool'), 0o700);
  const told = await patient.examine();
  assert.equal(lineOf(told, null, 'user').verdict, 'fail');
  assert.equal(lineOf(told, 'scratch', 'directory').verdict, 'ok');
  assert.equal(lineOf(told, 'scratch', 'write').verdict, 'fail');
});

test('one pool is looked at where it is named', async (t) => {
  const patient = await makePatient(t, { scratch: 'here/pool', lost: 'here/lost' });
  await patient.path('pool');
  const told = await patient.examine('--pool', 'scratch');
  assert.equal(told.status, 0);
  assert.ok(!told.checks.some(({ pool }) => pool === 'lost'));
});

test('a read-only pool is a failure that says so', async (t) => {
  const patient = await makePatient(t, { scratch: 'here/pool' });
  const pool = await patient.path('pool');
  await execa`mount --bind -o ro ${pool} ${pool}`;
  cleanUp(t, () => execa`umount ${pool}`);
  const told = await patient.examine();
  assert.equal(told.status, 1);
  const line = lineOf(told, 'scratch', 'write');
  assert.equal(line.verdict, 'fail');
  assert.match(line.says, /is read-only/);
});

test('a full pool is a failure that says so', async (t) => {
  const patient = await makePatient(t, { scratch: 'here/pool' });
  const pool = await patient.path('pool');
  await execa`mount -t tmpfs -o size=1M tmpfs ${pool}`;
  cleanUp(t, () => execa`umount ${pool}`);
  await execa({ reject: false })`dd if=/dev/zero of=${pool}/filler bs=64k`;
  const told = await patient.examine();
  assert.equal(told.status, 1);
  assert.equal(lineOf(told, 'scratch', 'space').verdict, 'fail');
  assert.match(lineOf(told, 'scratch', 'write').says, /has no space/);
  assert.deepEqual(readdirSync(pool), ['filler']);
});

test('it is told whether a filesystem clones', async (t) => {
  const [xfs, ext4] = [await loopFilesystem(t, 'xfs'), await loopFilesystem(t, 'ext4')];
  const patient = await makePatient(t, { xfs: xfs.path, ext4: ext4.path });
  const told = await patient.examine();
  assert.match(lineOf(told, 'xfs', 'clone').says, /^It clones/);
  assert.match(lineOf(told, 'ext4', 'clone').says, /^It does not clone/);
});

test('a pool that hangs is told of within its time, and the others are not kept by it', async (t) => {
  const frozen = await loopFilesystem(t, 'ext4');
  const patient = await makePatient(t, { frozen: frozen.path, scratch: 'here/pool' });
  await patient.path('pool');
  await frozen.freeze();
  const told = await patient.examine('--timeout', '10');
  assert.equal(told.status, 1);
  const silent = told.checks.filter(({ verdict }) => verdict === 'fail');
  assert.deepEqual(
    silent.map(({ pool }) => pool),
    ['frozen'],
  );
  assert.match(silent[0]?.says ?? '', /did not answer within 10 s/);
  assert.equal(lineOf(told, 'scratch', 'write').verdict, 'ok');
  await frozen.thaw();
});

test('what a killed doctor left is removed by a later one, and nothing else', async (t) => {
  const patient = await makePatient(t, { scratch: 'here/pool' });
  const state = await patient.path('pool/.berth');
  const longAgo = new Date(Date.now() - 3_600_000);
  for (const name of ['doctor-1-old', 'doctor-2-young', 'other']) {
    await writeFile(join(state, name), 'x');
    if (name !== 'doctor-2-young') await utimes(join(state, name), longAgo, longAgo);
  }
  await mkdir(join(state, 'volumes'));
  await patient.examine();
  assert.deepEqual(readdirSync(state).sort(), ['doctor-2-young', 'other', 'volumes']);
});

for (const [what, flags, line] of [
  ['an unknown pool', ['--pool', 'nas'], /--pool nas: the config has no such pool; it has scratch/],
  ['a limit that is no number', ['--timeout', 'soon'], /--timeout soon: expected seconds/],
  ['a missing config', ['--config', '/nonexistent'], /--config \/nonexistent: there is no such file/],
  [
    'an endpoint that is no socket',
    ['--endpoint', 'tcp://x'],
    /--endpoint tcp:\/\/x: expected a UNIX socket/,
  ],
  ['an unknown flag', ['--nonsense'], /unknown option '--nonsense'/],
] as const) {
  test(`${what} is a wrong use: status 2 and one line`, async (t) => {
    const patient = await makePatient(t, { scratch: 'here/pool' });
    const { status, output } = await patient.run(...flags);
    assert.equal(status, 2);
    assert.match(output, line);
    assert.equal(output.trimEnd().split('\n').length, 1);
  });
}
