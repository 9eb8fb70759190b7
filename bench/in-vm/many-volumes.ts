// Does a controller get slower with the number of its volumes?
import { type Contestant, createVolume, deleteVolume, newName } from '../contestant.ts';
import { add, type Samples } from '../figures.ts';
import { rate, timedResult } from '../statistics.ts';

const few = 10;
const many = 2_000;
const samplesEach = 30;
const lists = 5;

/** Two pools of one controller, with 10 and 2,000 volumes, are given new ones by turns. */
export async function manyVolumes(
  contestant: Contestant,
  pools: { readonly few: string; readonly many: string },
  samples: Samples,
): Promise<void> {
  const create = (pool: string) => createVolume(contestant, newName(), { overrides: { pool } });
  for (let count = 0; count < few; count += 1) await create(pools.few);
  await list(contestant, samples, 'list at 10', few);
  await rate(8, many, () => create(pools.many));
  await list(contestant, samples, 'list at 2,000', few + many);
  for (let count = 0; count < samplesEach; count += 1) {
    for (const [pool, what] of [
      [pools.few, 'create at 10 volumes'],
      [pools.many, 'create at 2,000 volumes'],
    ] as const) {
      const created = await timedResult(() => create(pool));
      add(samples, what, created.milliseconds);
      // So that the pool with few keeps few.
      await deleteVolume(contestant, created.result.id);
    }
  }
}

async function list(contestant: Contestant, samples: Samples, what: string, expected: number): Promise<void> {
  for (let count = 0; count < lists; count += 1) {
    const { milliseconds, result } = await timedResult(() =>
      contestant.controller.Controller.ListVolumes({}),
    );
    if (result.entries.length < expected)
      throw new Error(`${result.entries.length} volumes listed, not ${expected}`);
    add(samples, what, milliseconds);
  }
}
