import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isErrno } from '../errors/errno.ts';
import { within } from '../within.ts';

/** Devices whose open has not come back; each has one of the few threads for such calls. */
const waiting = new Set<string>();

export type Exclusivity = 'free' | 'taken' | 'silent';

/**
 * Whether nobody has a block device for itself: a mount, swap, RAID, device mapper and their like open it exclusively
 * (open(2), O_EXCL). Bounded; a device that does not answer takes one thread at most, however often it is asked.
 */
export async function exclusivityOf(device: string, limitMs: number): Promise<Exclusivity> {
  if (waiting.has(device)) return 'silent';
  waiting.add(device);
  const asked = ask(device).finally(() => waiting.delete(device));
  return (await within(asked, limitMs)) ?? 'silent';
}

async function ask(device: string): Promise<Exclusivity> {
  try {
    const handle = await open(device, constants.O_RDONLY | constants.O_EXCL);
    await handle.close();
    return 'free';
  } catch (error) {
    if (isErrno(error, 'EBUSY')) return 'taken';
    throw error;
  }
}
