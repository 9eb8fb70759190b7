import type { TestContext } from 'node:test';

type Work = () => unknown;

const pending = new WeakMap<TestContext, Work[]>();

/**
 * Does this after the test, in the reverse order of the calls: what was made last goes first, so that no driver is
 * still at work on a directory that is removed. (Hooks of node:test run in the order in which they were set.)
 */
export function cleanUp(t: TestContext, work: Work): void {
  const known = pending.get(t);
  if (known !== undefined) {
    known.push(work);
    return;
  }
  const works = [work];
  pending.set(t, works);
  t.after(async () => {
    const failures: unknown[] = [];
    for (const each of works.reverse()) {
      try {
        await each();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the test has left something behind');
  });
}
