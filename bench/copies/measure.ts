import { added } from '../../test/vm/guest/mountstats.ts';
import { add, addOperations } from '../figures.ts';
import { timedResult } from '../statistics.ts';
import { deleteSnapshot } from './calls.ts';
import type { Server, Side } from './server.ts';

/**
 * Times a call, and counts what it costs Berth, with cold caches. `gone` is a snapshot that is deleted already: deleting
 * it again changes nothing, but the programs that a driver starts to mount the share are in memory then.
 */
export async function measure<T>(
  server: Server,
  { name, contestant, samples }: Side,
  { what, gone }: { readonly what: string; readonly gone: string },
  call: () => Promise<T>,
): Promise<T> {
  await server.settle();
  await deleteSnapshot(contestant, gone);
  const before = server.sent();
  const { milliseconds, result } = await timedResult(call);
  add(samples, what, milliseconds);
  if (name === 'berth') addOperations(server.operations, what, 1, added(before, server.sent()));
  return result;
}
