import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ensureCsiSanity } from '../setup/csi-sanity.ts';

/** Whether csi-sanity is to be had; if not, the test is skipped, except under CI=true, where that is a failure. */
export async function requireCsiSanity(t: TestContext): Promise<boolean> {
  const problem = await ensureCsiSanity();
  if (problem === undefined) return true;
  assert.notEqual(process.env.CI, 'true', problem);
  t.skip(problem);
  return false;
}
