// A pod that counts into a file: what was written shows whether a write was lost.
import assert from 'node:assert/strict';

/** Writes numbered lines to a file of /data, each synced, and stops at the first error. */
export function counting(file: string, seconds: number): string {
  return `set -e; n=0; while true; do n=$((n + 1)); echo $n >> /data/${file}; sync; sleep ${seconds}; done`;
}

/** Fails where a line is missing of what was counted. */
export function assertNoneMissing(text: string): void {
  const lines = text.split('\n');
  assert.deepEqual(
    lines,
    lines.map((_, index) => String(index + 1)),
  );
}
