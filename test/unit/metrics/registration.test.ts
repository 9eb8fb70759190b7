import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { registrationMetric } from '../../../src/metrics/registration.ts';
import type { RegistrationState } from '../../../src/registration/kubelet-registration.ts';

test('whether kubelet has registered the driver is told only where it registers itself', async () => {
  const registry = new Registry();
  let state: RegistrationState | undefined;
  registrationMetric(registry, () => state);
  const value = async () => /^berth_node_registered (\d)$/m.exec(await registry.metrics())?.[1];
  assert.equal(await value(), undefined);
  for (const [now, expected] of [
    ['waiting', '0'],
    ['registered', '1'],
    ['refused', '0'],
  ] as const) {
    state = { state: now, reason: '' };
    assert.equal(await value(), expected);
  }
  state = undefined;
  assert.equal(await value(), undefined);
});
