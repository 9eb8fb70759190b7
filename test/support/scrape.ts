import assert from 'node:assert/strict';
import type { Driver } from './driver.ts';

/** What a driver exports: the samples by name and labels as they are written, and the type of each metric. */
export interface Scrape {
  readonly text: string;
  readonly samples: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, string>;
}

export async function scrape({ http }: Pick<Driver, 'http'>): Promise<Scrape> {
  const answer = await http('/metrics');
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers.get('content-type')), /^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) types.set(name, type);
    const [, sample, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (sample !== undefined) samples.set(sample, Number(value));
  }
  return { text, samples, types };
}
