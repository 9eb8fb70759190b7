import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from '../../../src/pools/gate.ts';

type Done = (error: Error | null, value?: string) => void;

/** A gate whose calls end when the test says so. */
function gated(slots: number, limitMs = 60_000) {
  const begun: Done[] = [];
  const stuck: number[] = [];
  const gate = new Gate({
    slots,
    limitMs,
    onStuck: (age) => {
      stuck.push(age);
      gate.shut(new Error('dead'));
    },
  });
  const run = () => gate.run<string>((done) => begun.push(done));
  return { gate, begun, stuck, run };
}

test('no more calls run at once than there are slots', async () => {
  const { begun, run } = gated(2);
  const calls = [run(), run(), run()];
  assert.equal(begun.length, 2);
  begun[0]?.(null, 'a');
  assert.equal(await calls[0], 'a');
  assert.equal(begun.length, 3);
  begun[1]?.(null, 'b');
  begun[2]?.(null, 'c');
  assert.deepEqual(await Promise.all(calls), ['a', 'b', 'c']);
});

test('a call that does not return fails all calls, and its slot stays taken until it does', async () => {
  const { gate, begun, stuck, run } = gated(2, 1);
  const calls = [run(), run(), run()];
  const results = await Promise.allSettled(calls);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.equal(stuck.length, 1);
  assert.equal(gate.held, 2);
  await assert.rejects(run(), /dead/);
  begun[0]?.(null, 'late');
  assert.equal(gate.held, 1);
  gate.open();
  const after = run();
  assert.equal(begun.length, 3);
  begun[2]?.(null, 'fresh');
  assert.equal(await after, 'fresh');
  begun[1]?.(null, 'late');
  assert.equal(gate.held, 0);
});

test('a call that is refused before it begins takes no slot', async () => {
  const { gate, begun, run } = gated(1);
  const refused = gate.run(() => {
    throw new RangeError('out of range');
  });
  await assert.rejects(refused, /out of range/);
  assert.equal(gate.inFlight, 0);
  const next = run();
  begun[0]?.(null, 'ok');
  assert.equal(await next, 'ok');
});

test('an error of a call is its own', async () => {
  const { begun, run } = gated(1);
  const call = run();
  begun[0]?.(new Error('ENOENT'));
  await assert.rejects(call, /ENOENT/);
  const next = run();
  begun[1]?.(null, 'ok');
  assert.equal(await next, 'ok');
});
