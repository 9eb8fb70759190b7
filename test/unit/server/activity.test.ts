import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Activity } from '../../../src/server/activity.ts';

const call = {
  path: '/csi.v1.Node/NodeStageVolume',
  method: 'NodeStageVolume',
  service: 'Node',
  request: {},
};

test('a drain ends with the last call, be it one that failed', async () => {
  const activity = new Activity();
  assert.equal(await activity.drained(0), true, 'nothing runs');
  const works = [Promise.withResolvers<object>(), Promise.withResolvers<object>()] as const;
  const calls = works.map(({ promise }) => activity.interceptor(call, () => promise));
  const drained = activity.drained(60_000);
  works[0].resolve({});
  await calls[0];
  assert.equal(activity.busy, true);
  works[1].reject(new Error('failed'));
  await assert.rejects(calls[1] ?? Promise.resolve(), /failed/);
  assert.equal(await drained, true);
  assert.equal(activity.busy, false);
});

test('a drain does not wait longer than its limit for a call that hangs', async () => {
  const activity = new Activity();
  void activity.interceptor(call, () => new Promise(() => {}));
  assert.equal(await activity.drained(1), false);
});
