/**
 * proto/ against the descriptors in the official Go modules. Both are turned into the same flat list of facts
 * (`message Volume field volume_id` is `2 string`), and each fact that differs is named.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leaveOut } from '../support/leave-out.ts';
import { factsOfOfficial, type OfficialFile } from './official-facts.ts';
import { factsOfProto } from './proto-facts.ts';

/** How many facts there are at least: fewer would mean that they were not read. */
const contracts = [
  { file: 'csi.proto', package: 'csi.v1', official: 'csi', facts: 400 },
  {
    file: 'pluginregistration.proto',
    package: 'pluginregistration',
    official: 'registration',
    facts: 12,
  },
] as const;

/** The descriptor that the Go program prints; undefined where it cannot run, which skips the test. */
function officialDescriptor(context: TestContext, name: string): OfficialFile | undefined {
  const run = spawnSync('go', ['run', '.', name], {
    cwd: join(import.meta.dirname, 'official'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status === 0) return JSON.parse(run.stdout) as OfficialFile;
  const reason = run.error ? `Go is needed and could not be started: ${run.error.message}` : undefined;
  // A program that Go starts and that then fails is a failure everywhere.
  assert.ok(reason !== undefined, `go run failed:\n${run.stderr}`);
  leaveOut(context, reason);
  return undefined;
}

for (const { file, package: scope, official: name, facts } of contracts) {
  test(`proto/${file} is the same on the wire as the official descriptor`, (context) => {
    const official = officialDescriptor(context, name);
    if (!official) return;
    const expected = factsOfOfficial(official);
    const actual = factsOfProto(join(import.meta.dirname, '../../proto', file), scope);
    assert.ok(expected.size >= facts, `the official descriptor gave only ${expected.size} facts`);

    const differences: string[] = [];
    for (const [fact, value] of expected) {
      if (actual.get(fact) !== value) {
        differences.push(`${fact}: official ${value}, ours ${actual.get(fact) ?? 'missing'}`);
      }
    }
    for (const [fact, value] of actual) {
      if (!expected.has(fact)) differences.push(`${fact}: ours ${value}, not in the official descriptor`);
    }
    assert.ok(differences.length === 0, `the contract differs:\n${differences.join('\n')}`);
  });
}
