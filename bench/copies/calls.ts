// What external-provisioner and csi-snapshotter call to copy, repeated until it is done.
import { repeatUnfinished } from '../../test/support/repeat-unfinished.ts';
import { type Contestant, type CreatedVolume, createVolume } from '../contestant.ts';

/** A driver that copies within the call takes its time. Milliseconds. */
const timeout = 60 * 60_000;

const deadline = () => ({ deadline: Date.now() + timeout });

/** Resolves with the snapshot's id once it is ready to use. */
export async function takeSnapshot(
  { controller }: Contestant,
  volume: string,
  name: string,
): Promise<string> {
  const asked = { name, source_volume_id: volume };
  const end = Date.now() + timeout;
  while (Date.now() < end) {
    const { snapshot } = await repeatUnfinished(
      () => controller.Controller.CreateSnapshot(asked, deadline()),
      timeout,
    );
    if (snapshot?.ready_to_use === true) return snapshot.snapshot_id;
  }
  throw new Error(`the snapshot ${name} was not ready to use after ${timeout / 60_000} minutes`);
}

export async function deleteSnapshot({ controller }: Contestant, id: string): Promise<void> {
  await controller.Controller.DeleteSnapshot({ snapshot_id: id }, deadline());
}

/** A volume from a snapshot. */
export function restore(contestant: Contestant, name: string, snapshot: string): Promise<CreatedVolume> {
  const source = { snapshot: { snapshot_id: snapshot } };
  return repeatUnfinished(() => createVolume(contestant, name, { source, timeout }), timeout);
}

/** A volume from another one. */
export function clone(contestant: Contestant, name: string, volume: string): Promise<CreatedVolume> {
  const source = { volume: { volume_id: volume } };
  return repeatUnfinished(() => createVolume(contestant, name, { source, timeout }), timeout);
}
