// NFS operations per call.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { added, type Host, nas, total, waitFor } from '../../test/vm/guest/bed.ts';
import { type Contestant, createVolume, deleteVolume, newName } from '../contestant.ts';
import { add, addOperations, type Figures } from '../figures.ts';
import { mountOf } from '../guest.ts';
import { rate } from '../statistics.ts';

const calls = 10;
const burstCalls = 32;

/** Makes one call and counts what it costs. */
type Count = (what: string, call: () => Promise<unknown>) => Promise<void>;

/** Creates and deletes volumes, one call after the other. */
async function createAndDelete(contestant: Contestant, count: Count): Promise<void> {
  for (let call = 0; call < calls; call += 1) {
    const name = newName();
    let id = '';
    await count('create', async () => {
      id = (await createVolume(contestant, name)).id;
    });
    await count('delete', () => deleteVolume(contestant, id));
  }
}

/** Berth keeps its share mounted: the client's mountstats tell the operations by name, call by call. */
export async function countBerth(contestant: Contestant, host: Host, figures: Figures): Promise<void> {
  const mountPoint = await waitFor('the controller has mounted its pool', () => mountOf(host, nas));
  const quiet = async (): Promise<void> => {
    // The trash is emptied in the background, by the same mount.
    let before = -1;
    await waitFor('the controller is quiet', async () => {
      const now = total(host.operations(mountPoint));
      const still = now === before;
      before = now;
      if (!still) await delay(400);
      return still;
    });
  };
  const count: Count = async (what, call) => {
    await quiet();
    const before = host.operations(mountPoint);
    await call();
    const operations = added(before, host.operations(mountPoint));
    add(figures.berth, `operations of ${what}`, total(operations));
    addOperations(figures.operations, `berth ${what}`, 1, operations);
  };
  await createAndDelete(contestant, count);

  // Calls close together: nothing in the background gets between them, and what is known need not be asked again.
  const ids: string[] = [];
  const burst = async (what: string, call: (index: number) => Promise<unknown>): Promise<void> => {
    await quiet();
    const before = host.operations(mountPoint);
    await rate(8, burstCalls, call);
    const operations = added(before, host.operations(mountPoint));
    add(figures.berth, `operations of ${what}, in a burst`, total(operations) / burstCalls);
    addOperations(figures.operations, `berth ${what}, in a burst`, burstCalls, operations);
  };
  await burst('create', async () => ids.push((await createVolume(contestant, newName())).id));
  await burst('delete', (index) => deleteVolume(contestant, ids[index] ?? ''));
}

/** The peer's mounts come and go with each call: the kernel's count of all NFS calls of this machine. */
export async function countPeer(contestant: Contestant, host: Host, figures: Figures): Promise<void> {
  const sent = (): number => {
    const text = readFileSync(`/proc/${host.pid}/net/rpc/nfs`, 'utf8');
    return Number(/^rpc (\d+)/m.exec(text)?.[1]);
  };
  const count: Count = async (what, call) => {
    const before = sent();
    await call();
    add(figures.peer, `operations of ${what}`, sent() - before);
  };
  await createAndDelete(contestant, count);
}
