import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readiness, readinessJson, readinessText } from '../../../src/http/readiness.ts';
import type { PoolHealth } from '../../../src/pools/pool.ts';

const pool = (state: PoolHealth['state'], reached: boolean, name: string = state, reason = '') => ({
  name,
  health: { state, reason },
  reached,
});

test('a driver is ready as soon as one of its pools could be reached, and stays so', () => {
  assert.equal(readiness('serving', [pool('up', true)]).ready, true);
  assert.equal(readiness('serving', [pool('down', false), pool('slow', true)]).ready, true);
  assert.equal(readiness('serving', [pool('down', true), pool('down', false)]).ready, true);
});

test('a driver that could not reach any pool since its start is not ready', () => {
  const { ready, reason } = readiness('serving', [pool('starting', false), pool('down', false)]);
  assert.deepEqual([ready, /No pool could be reached since the start/.test(reason)], [false, true]);
});

test('a node plugin is not ready before kubelet has registered it', () => {
  const of = (state: 'waiting' | 'registered' | 'refused', reason = '') =>
    readiness('serving', [pool('up', true)], { state, reason });
  assert.match(of('waiting').reason, /has not registered/);
  assert.match(of('refused', 'Wrong path.').reason, /refuses the driver: Wrong path\./);
  assert.equal(of('registered').ready, true);
});

test('a driver that starts or ends is not ready, whatever its pools are', () => {
  assert.match(readiness('starting', []).reason, /starting/);
  assert.match(readiness('draining', [pool('up', true)]).reason, /ending/);
});

test('both forms of the answer tell of each pool with its sentence', () => {
  const pools = [pool('up', true, 'scratch'), pool('down', false, 'nas', 'The pool nas does not answer.')];
  const verdict = readiness('serving', pools);
  assert.equal(
    readinessText(verdict, pools),
    'ready\npool scratch: up\npool nas: down: The pool nas does not answer.',
  );
  assert.deepEqual(JSON.parse(readinessJson(verdict, pools)), {
    ready: true,
    reason: '',
    pools: [
      { name: 'scratch', state: 'up', reason: '' },
      { name: 'nas', state: 'down', reason: 'The pool nas does not answer.' },
    ],
  });
});
