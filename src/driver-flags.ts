import { readFileSync } from 'node:fs';
import { type Mode, modes } from './settings.ts';

const known = ['endpoint', 'config', 'driver-name', 'node-id', 'state-dir', 'registration-dir'] as const;

export type DriverFlags = { readonly mode?: Mode } & { readonly [Name in (typeof known)[number]]?: string };

/**
 * Mode and flags of the driver in this container, whose process 1 it is: `kubectl exec` gives a command the container's
 * environment, but not the driver's flags. Empty where process 1 is something else.
 */
export function driverFlags(commandLine: string = readProcess1()): DriverFlags {
  const names: readonly string[] = modes;
  const words = commandLine.split('\0');
  const at = words.findIndex((word) => names.includes(word));
  if (at === -1 || !/(^|\/)(start\.cjs|berth\.cjs|berth|cli\.ts)$/.test(words[at - 1] ?? '')) return {};
  const found: Partial<Record<string, string>> = { mode: words[at] };
  for (const [index, word] of words.entries()) {
    if (index <= at) continue;
    for (const name of known) {
      if (word === `--${name}`) found[name] = words[index + 1];
      else if (word.startsWith(`--${name}=`)) found[name] = word.slice(name.length + 3);
    }
  }
  return found as DriverFlags;
}

function readProcess1(): string {
  try {
    return readFileSync('/proc/1/cmdline', 'utf8');
  } catch {
    return '';
  }
}
