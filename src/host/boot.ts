import { readFileSync } from 'node:fs';

let known: string | undefined;

/** Tells this boot of the machine from every other (random(4)). */
export function bootId(): string {
  known ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return known;
}
