// A process with no more Linux capabilities than a container would give it.
import { readFileSync } from 'node:fs';

/** The command words that come before the program: root, with these capabilities alone (`SYS_ADMIN`, …). */
export function cappedTo(capabilities: readonly string[]): readonly string[] {
  const kept = capabilities.map((name) => `+${name.toLowerCase()}`);
  return ['setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=${['-all', ...kept].join(',')}`];
}

/** How many capabilities a process has in effect. */
export function capabilityCount(pid: number): number {
  const [, mask = ''] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^CapEff:\s+([0-9a-f]+)$/m) ?? [];
  return [...BigInt(`0x${mask}`).toString(2)].filter((bit) => bit === '1').length;
}
