// What the programs that measure inside the VM have in common.
import type { Host, NfsServer } from '../test/vm/guest/bed.ts';
import { figuresMark } from './figures.ts';

/** The words before a command that is to run on a host of the bed. */
export const enter = (host: Host): string[] => [
  'nsenter',
  '--target',
  String(host.pid),
  '--net',
  '--mount',
  '--uts',
  '--',
];

const started = performance.now();

export function progress(what: string): void {
  console.log(`bench ${((performance.now() - started) / 1000).toFixed(0)} s: ${what}`);
}

/** The last that are sent count. */
export function sendFigures(figures: object): void {
  console.log(`\n${figuresMark}${JSON.stringify(figures)}`);
}

/** Where a host has the pool on this server mounted for Berth. */
export function mountOf(host: Host, { address }: NfsServer): string | undefined {
  return host.mounts().find(({ fsType, source }) => fsType === 'nfs4' && source === `${address}:/`)
    ?.mountPoint;
}
