import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makePatient } from './doctor.ts';

/** Resolves when the process has started another one. */
async function hasChild(pid: number): Promise<void> {
  while (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() === '') await delay(1);
}

/** Resolves when something appears in the directory. */
function hasEntry(directory: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, () => {
      watcher.close();
      resolve();
    });
  });
}

const moments = [
  ['when it has begun to work', (pid: number) => hasChild(pid)],
  ['while it writes', (_: number, pool: string) => hasEntry(pool)],
] as const;

/** It is quick: the signal may come when it has just ended. */
const tries = 20;

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  for (const [when, moment] of moments) {
    test(`${signal} ${when} leaves no process and no file behind`, async (t) => {
      const patient = await makePatient(t, { one: 'here/one', two: 'here/two' });
      const [one, two] = [await patient.path('one'), await patient.path('two')];
      let status: number | null = 0;
      for (let attempt = 0; attempt < tries && status === 0; attempt += 1) {
        const doctor = patient.begin();
        await moment(Number(doctor.process.pid), one);
        doctor.process.kill(signal);
        ({ status } = await doctor.ended);
        assert.deepEqual(patient.processes(), []);
        for (const pool of [one, two]) assert.deepEqual(readdirSync(pool), []);
        assert.ok(!existsSync(patient.stateDir));
      }
      assert.equal(status, 128 + number);
    });
  }
}
