// The bed of the scenario tests, brought up by guest/up.sh before they start.
import { Host } from './host.ts';
import { NfsServer } from './nfs-server.ts';

export { BerthProcess } from './berth-process.ts';
export { Host } from './host.ts';
export { added, total } from './mountstats.ts';
export { NfsServer, setName } from './nfs-server.ts';
export { waitFor } from './wait-for.ts';

/** Two servers that share nothing: one can be cut off while the other answers. */
export const nas = new NfsServer('nas');
export const nas2 = new NfsServer('nas2');
/** Two nodes, and a host for a controller of its own. */
export const a = new Host('a');
export const b = new Host('b');
export const c = new Host('c');

export interface NfsPool {
  readonly nfs: { readonly server: string; readonly path: string; readonly mountOptions?: readonly string[] };
}

/** A pool on one of the bed's servers; the export is "/" for every NFS version. */
export function nfsPool(
  server: NfsServer | string,
  mountOptions: readonly string[] = ['nfsvers=4.2'],
): NfsPool {
  return { nfs: { server: typeof server === 'string' ? server : server.address, path: '/', mountOptions } };
}
