// Snapshot, restore, clone and deletion of volumes with the same content, by each driver in turn.
import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../test/vm/guest/wait-for.ts';
import { type CreatedVolume, createVolume, deleteVolume, directoryOf, newName } from '../contestant.ts';
import { add } from '../figures.ts';
import { timed } from '../statistics.ts';
import { clone, deleteSnapshot, restore, takeSnapshot } from './calls.ts';
import { contentOf, findContent, type PlannedFile, writeFiles } from './content.ts';
import { keyOf, type Operation } from './figures.ts';
import { measure } from './measure.ts';
import type { Server, Side } from './server.ts';

interface Placed {
  readonly volume: CreatedVolume;
  readonly directory: string;
}

export interface CopySet {
  readonly name: string;
  readonly files: readonly PlannedFile[];
}

export interface RoundOptions {
  readonly rounds: number;
  readonly progress: (what: string) => void;
}

/** What each side has deleted in a first, unmeasured round of little: its programs are started, its code is compiled. */
export type Gone = ReadonlyMap<Side, string>;

export async function warmUp(server: Server, files: readonly PlannedFile[]): Promise<Gone> {
  const gone = new Map<Side, string>();
  for (const side of server.sides) {
    const unmeasured = { ...server, operations: {} };
    const volume = await fill(server, side, files);
    const aside = { ...side, samples: {} };
    const none = await takeSnapshot(side.contestant, volume.volume.id, newName());
    await deleteSnapshot(side.contestant, none);
    gone.set(side, await copyRound(unmeasured, aside, { name: '', files }, volume, none));
    await discard(server, side, volume);
  }
  return gone;
}

/** Each round of one driver is followed by the other's, so that a change of the machine's load meets both. */
export async function measureCopies(
  server: Server,
  set: CopySet,
  gone: Gone,
  { rounds, progress }: RoundOptions,
): Promise<void> {
  progress(`${set.name}: volumes with content`);
  const sources: { readonly side: Side; readonly source: Placed; readonly gone: string }[] = [];
  for (const [side, deleted] of gone) {
    sources.push({ side, source: await fill(server, side, set.files), gone: deleted });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { side, source, gone: deleted } of sources) {
      progress(`${set.name}: round ${round + 1}, ${side.name}`);
      await copyRound(server, side, set, source, deleted);
    }
  }
  for (const { side, source } of sources) await discard(server, side, source);
}

/** A volume, filled past NFS. */
async function fill(server: Server, side: Side, files: readonly PlannedFile[]): Promise<Placed> {
  const name = newName();
  const placed = place(server, name, await createVolume(side.contestant, name));
  writeFiles(placed.directory, files);
  return placed;
}

const place = ({ root }: Server, name: string, volume: CreatedVolume): Placed => ({
  volume,
  directory: join(root, directoryOf(volume, name)),
});

/** Resolves with the id of the snapshot, which is deleted. */
async function copyRound(
  server: Server,
  side: Side,
  { name: set, files }: CopySet,
  source: Placed,
  gone: string,
): Promise<string> {
  const { contestant, samples } = side;
  const timedAs = <T>(operation: Operation, call: () => Promise<T>): Promise<T> =>
    measure(server, side, { what: keyOf(set, operation), gone }, call);
  const [name, restored, cloned] = [newName(), newName(), newName()];

  const snapshot = await timedAs('snapshot', () => takeSnapshot(contestant, source.volume.id, name));
  const copies = [
    place(server, restored, await timedAs('restore', () => restore(contestant, restored, snapshot))),
    place(server, cloned, await timedAs('clone', () => clone(contestant, cloned, source.volume.id))),
  ];
  for (const copy of copies) await refuseOther(copy, files);
  await Promise.all(copies.map((copy) => discard(server, side, copy)));
  await timedAs('removed', async () => {
    add(samples, keyOf(set, 'delete'), await timed(() => deleteSnapshot(contestant, snapshot)));
    await removed(server, side);
  });
  return snapshot;
}

/** A driver that is fast because it left something out has not copied. */
async function refuseOther({ directory }: Placed, files: readonly PlannedFile[]): Promise<void> {
  const [found, expected] = [await findContent(directory), contentOf(files)];
  if (found.files === expected.files && found.bytes === expected.bytes) return;
  throw new Error(
    `${directory} has ${found.files} files with ${found.bytes} bytes, not ${expected.files} with ${expected.bytes}`,
  );
}

/** Its content is removed past NFS, since that is not what is measured. */
async function discard(server: Server, side: Side, { directory, volume }: Placed): Promise<void> {
  await rm(directory, { recursive: true });
  await mkdir(directory);
  await deleteVolume(side.contestant, volume.id);
  await removed(server, side);
}

/** The peer removes within the call, Berth in the background. */
async function removed({ root }: Server, { name }: Side): Promise<void> {
  if (name === 'peer') return;
  const trash = join(root, '.berth/trash');
  await waitFor('the trash is empty', () => readdirSync(trash).length === 0, 30 * 60_000);
}
