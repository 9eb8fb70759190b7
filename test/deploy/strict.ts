// Kubernetes' own types, by the Go program beside this file.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { leaveOut } from '../support/leave-out.ts';

/** Whether Go is to be had; if not, the test is skipped, except under CI=true, where that is a failure. */
export async function requireGo(t: TestContext): Promise<boolean> {
  const { failed } = await execa({ reject: false })`go version`;
  if (!failed) return true;
  const problem = "Kubernetes' types are a Go module, and there is no Go here (https://go.dev/dl)";
  leaveOut(t, problem);
  return false;
}

/** Reads objects as the API server would, unknown fields refused. Throws with what is wrong; gives kinds and names. */
export async function readStrictly(text: string): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await execa('go', ['run', '.'], {
    cwd: join(import.meta.dirname, 'strict'),
    input: text,
    reject: false,
    timeout: 10 * 60_000,
  });
  assert.equal(exitCode, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}
