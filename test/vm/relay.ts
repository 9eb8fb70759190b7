// Runs test files inside the VM and reports each of their tests as a subtest here.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { leaveOut } from '../support/leave-out.ts';
import { findVmPrograms } from './machine.ts';
import { type RelayedEvent, relayMark } from './relayed-event.ts';
import { runInVm } from './vm.ts';

export interface RelayOptions {
  /** Relative to the checkout; bash patterns are expanded inside. */
  readonly files: string;
}

/**
 * In milliseconds. How long all tests take is another thing on each machine; that none of them begins or ends for so
 * long is a hang on any. The other bound is for tests that begin and end without an end.
 */
const patience = { silence: 15 * 60_000, timeout: 75 * 60_000 };

/** Without the VM's programs the tests are skipped, except under CI=true, where that is a failure. */
export async function runTestsInVm(t: TestContext, options: RelayOptions): Promise<void> {
  const programs = findVmPrograms();
  if (typeof programs === 'string') {
    leaveOut(t, `no VM: ${programs}`);
    return;
  }
  const started: string[] = [];
  /** Tests that have subtests: these are what is reported. */
  const parents = new Set<string>();
  const results: Promise<unknown>[] = [];
  const receive = (event: RelayedEvent): void => {
    const name = [...started.slice(0, event.nesting), event.name].join(' › ');
    if (event.type === 'start') {
      const isParent = event.nesting > 0;
      started.splice(event.nesting, started.length, event.name);
      if (isParent) parents.add(started.slice(0, event.nesting).join(' › '));
      return;
    }
    if (event.type === 'fail' ? event.ofSubtests : parents.has(name)) return;
    const seconds = (event.milliseconds / 1000).toFixed(1);
    const skip = event.type === 'pass' && event.skip !== undefined ? { skip: event.skip } : {};
    results.push(
      t.test(`${name} (${seconds} s in the VM)`, skip, () => {
        if (event.type === 'fail') throw new InVmError(event.error);
      }),
    );
  };

  const {
    exitCode,
    timedOut,
    console: kernelConsole,
  } = await runInVm({
    // In a file of its own each, one after the other: they share the bed.
    command: `test/vm/guest/up.sh && exec node_modules/.bin/node --test --test-concurrency=1 --test-reporter=./test/vm/guest/reporter.ts ${options.files}`,
    ...patience,
    onLine: (line) => {
      if (line.startsWith(relayMark)) receive(JSON.parse(line.slice(relayMark.length)) as RelayedEvent);
      else if (line.trim() !== '') console.log(`vm: ${line}`);
    },
  });
  await Promise.all(results);
  assert.ok(!timedOut, `the VM was ended during "${started.join(' › ')}"\n${kernelConsole}`);
  assert.ok(results.length > 0, `no test ran in the VM\n${kernelConsole}`);
  // A failed subtest has been told above; this catches what no test tells, such as a crash of the runner.
  assert.equal(exitCode, 0, `the tests in the VM ended with exit status ${exitCode}\n${kernelConsole}`);
}

/** The failure as it was printed in the VM; the stack of this process would say nothing. */
class InVmError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'InVmError';
    this.stack = text;
  }
}
