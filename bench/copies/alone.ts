// What csi-driver-nfs has not: snapshots of images, and lists of snapshots.
import { closeSync, mkdirSync, openSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { newAside } from '../../src/volumes/copies/copy-lock.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/volumes/snapshots/snapshot-record.ts';
import { createVolume, deleteVolume, newName } from '../contestant.ts';
import { add } from '../figures.ts';
import { timedResult } from '../statistics.ts';
import { deleteSnapshot, takeSnapshot } from './calls.ts';
import { writeRandom } from './content.ts';
import { imageKey, listKeys } from './figures.ts';
import { measure } from './measure.ts';
import type { Gone } from './rounds.ts';
import type { Server } from './server.ts';

const lists = 10;
/** That the data of an image lies in. */
const pieces = 4;

function berthOf(gone: Gone) {
  const found = [...gone].find(([{ name }]) => name === 'berth');
  if (found === undefined) throw new Error('Berth is not measured');
  const [side, deleted] = found;
  return { side, gone: deleted };
}

/** Snapshots of a raw image that has data in four places; sizes in bytes. */
export async function measureImage(
  server: Server,
  all: Gone,
  { bytes, data, rounds }: { readonly bytes: number; readonly data: number; readonly rounds: number },
): Promise<void> {
  const { side, gone } = berthOf(all);
  const { contestant } = side;
  const { volume } = await contestant.controller.Controller.CreateVolume({
    name: newName(),
    capacity_range: { required_bytes: String(bytes) },
    volume_capabilities: [{ block: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } }],
    parameters: contestant.parameters,
  });
  if (volume?.volume_context.image === undefined) throw new Error('CreateVolume answered without an image');
  const file = openSync(join(server.root, volume.volume_context.image), 'r+');
  for (let piece = 0; piece < pieces; piece += 1) {
    writeRandom(file, (piece * bytes) / pieces, data / pieces);
  }
  closeSync(file);
  for (let round = 0; round < rounds; round += 1) {
    const what = { what: imageKey, gone };
    const name = newName();
    const snapshot = await measure(server, side, what, () =>
      takeSnapshot(contestant, volume.volume_id, name),
    );
    await deleteSnapshot(contestant, snapshot);
  }
  await deleteVolume(contestant, volume.volume_id);
}

/** Lists of so many snapshots, whole and by an id. */
export async function measureLists(server: Server, all: Gone, count: number): Promise<void> {
  const { side, gone } = berthOf(all);
  const { contestant, samples } = side;
  const volume = await createVolume(contestant, newName());
  const ids = multiply(server, await takeSnapshot(contestant, volume.id, newName()), count);
  const list = async (id: string, expected: number) => {
    const { milliseconds, result } = await timedResult(() =>
      contestant.controller.Controller.ListSnapshots({ snapshot_id: id }),
    );
    const ready = result.entries.filter(({ snapshot }) => snapshot?.ready_to_use === true).length;
    if (ready !== expected) throw new Error(`${ready} snapshots listed, not ${expected}`);
    return milliseconds;
  };
  await measure(server, side, { what: listKeys.first, gone }, () => list('', count));
  for (let round = 0; round < lists; round += 1) {
    add(samples, listKeys.whole, await list('', count));
    add(samples, listKeys.byId, await list(ids[(round * 197) % count] ?? '', 1));
  }
}

/**
 * More snapshots like this one of an empty volume, until there are so many: records and directories as Berth makes
 * them, but past it, since in the VM two thousand copies of nothing take half an hour.
 */
function multiply({ root }: Server, id: string, count: number): string[] {
  const folder = join(root, '.berth/snapshots');
  const slash = id.indexOf('/');
  const record = decodeSnapshot(readlinkSync(join(folder, id.slice(slash + 1))));
  if (record === undefined) throw new Error(`the record of the snapshot ${id} cannot be read`);
  const more = Array.from({ length: count - 1 }, newName);
  for (const name of more) {
    const data = newAside();
    mkdirSync(join(folder, data));
    symlinkSync(encodeSnapshot({ ...record, name, data }), join(folder, name));
  }
  return [id, ...more.map((name) => id.slice(0, slash + 1) + name)];
}
