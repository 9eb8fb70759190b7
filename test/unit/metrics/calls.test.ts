import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { statusName } from '../../../src/metrics/calls.ts';
import { callMetrics } from '../../../src/server/call-metrics.ts';

test('codes are named as gRPC for Go and the sidecars name them', () => {
  assert.equal(statusName(status.OK), 'OK');
  assert.equal(statusName(status.CANCELLED), 'Canceled');
  assert.equal(statusName(status.DEADLINE_EXCEEDED), 'DeadlineExceeded');
  assert.equal(statusName(status.NOT_FOUND), 'NotFound');
  assert.equal(statusName(status.INTERNAL), 'Internal');
});

test('a call is told of once, at its end, with its code', async () => {
  const path = '/csi.v1.Controller/CreateVolume';
  const call = { path, method: 'CreateVolume', service: 'Controller', request: {} };
  const seen: unknown[] = [];
  const interceptor = callMetrics((at, code, seconds) => {
    assert.ok(seconds >= 0);
    seen.push([at, code]);
  });
  assert.deepEqual(await interceptor(call, async () => ({ a: 1 })), { a: 1 });
  const refusal = new CsiError(status.NOT_FOUND, 'volume-not-found', 'No.');
  await assert.rejects(
    interceptor(call, () => Promise.reject(refusal)),
    refusal,
  );
  await assert.rejects(
    interceptor(call, () => Promise.reject(new Error('bug'))),
    /bug/,
  );
  assert.deepEqual(seen, [
    [path, status.OK],
    [path, status.NOT_FOUND],
    [path, status.INTERNAL],
  ]);
});
