import { dirname } from 'node:path';
import { isInside } from '../config/overlap.ts';
import type { PoolConfig } from '../config/schema.ts';
import { CsiError } from '../errors/csi-error.ts';
import { locateVolume } from '../volumes/volume-context.ts';
import { parseVolumeId } from '../volumes/volume-id.ts';
import { type Migrated, migratedFrom } from './manifest.ts';
import { newVolume, type Target } from './new-volume.ts';
import type { PersistentVolume } from './objects.ts';
import { isReleased } from './released.ts';
import { findSource, type Wanted } from './source.ts';

export interface Options extends Wanted, Target {}

/** One sentence on one PersistentVolume. */
export interface Note {
  readonly volume: string;
  readonly text: string;
}

export interface Plan {
  readonly migrated: readonly Migrated[];
  /** What cannot be migrated. */
  readonly refused: readonly Note[];
  /** What was left out on purpose, and what to know of the others. */
  readonly notes: readonly Note[];
}

/** What has a PersistentVolume of Berth, in the cluster or in the plan. */
interface Taken {
  readonly volume: string;
  /** Pool and directory, as a path; of an image that was there before, the image. */
  readonly place: string;
  readonly isStatic: boolean;
}

/** Decides on every PersistentVolume that was given. Nothing is looked up in the cluster or on a server. */
export function planMigration(volumes: readonly PersistentVolume[], options: Options): Plan {
  const migrated: Migrated[] = [];
  const refused: Note[] = [];
  const notes: Note[] = [];
  const names = new Set(volumes.map(({ metadata }) => metadata.name));
  const berths = volumes.filter(({ spec }) => spec.csi?.driver === options.driver);
  const done = new Map(berths.map(({ metadata }) => [metadata.annotations?.[migratedFrom], metadata.name]));
  const taken = berths.flatMap((volume) => takenBy(volume, options.pools));
  for (const old of volumes) {
    const volume = old.metadata.name;
    const note = (text: string) => notes.push({ volume, text });
    const leaveOut = (reason: string) => note(`left out: ${reason}`);
    const refuse = (reason: string) => refused.push({ volume, text: `cannot be migrated: ${reason}` });
    const found = findSource(old, options);
    if (found.kind === 'other') continue;
    if (found.kind === 'left-out') {
      leaveOut(found.reason);
      continue;
    }
    const earlier = done.get(volume);
    if (earlier !== undefined) {
      leaveOut(`it has been migrated to ${earlier}`);
      continue;
    }
    if (isReleased(old) && !options.released) {
      leaveOut(withoutClaim(old));
      continue;
    }
    if (found.kind === 'refused') {
      refuse(found.reason);
      continue;
    }
    const result = newVolume(old, found.source, names, options);
    if (typeof result === 'string') {
      refuse(result);
      continue;
    }
    const place = placeOf(result.location.pool, result.location.subDir);
    const others = taken.filter((other) => overlaps(other.place, place));
    const dynamic = others.find(({ isStatic }) => !isStatic);
    if (dynamic !== undefined) {
      refuse(`its directory overlaps that of ${dynamic.volume}, which Berth provisioned`);
      continue;
    }
    if (old.spec.persistentVolumeReclaimPolicy !== 'Retain') {
      refuse(notRetained(volume));
      continue;
    }
    for (const other of others) note(sharedWith(other.volume));
    if (isReleased(old)) note(staysReleased);
    migrated.push(result);
    taken.push({ volume: result.name, place, isStatic: true });
    names.add(result.name);
  }
  return { migrated, refused, notes };
}

/** Where a PersistentVolume of Berth is; nothing where it is on no pool of the config. */
function takenBy({ metadata, spec }: PersistentVolume, pools: ReadonlyMap<string, PoolConfig>): Taken[] {
  const { volumeHandle = '', volumeAttributes = {} } = spec.csi ?? {};
  const id = parseVolumeId(volumeHandle);
  const isStatic = id === undefined || !pools.has(id.pool);
  try {
    const location = locateVolume(volumeHandle, volumeAttributes, pools);
    if (location.kind === 'device') return [];
    const { pool } = location;
    // The directory of an image that Berth made is the volume's own.
    const path =
      location.kind === 'directory' ? location.subDir : isStatic ? location.image : dirname(location.image);
    return [{ volume: metadata.name, place: placeOf(pool, path), isStatic }];
  } catch (error) {
    if (error instanceof CsiError) return [];
    throw error;
  }
}

function placeOf(pool: PoolConfig, path: string): string {
  return `/${pool.name}/${path}`;
}

function overlaps(one: string, other: string): boolean {
  return one === other || isInside(one, other) || isInside(other, one);
}

/** Berth takes two static volumes that overlap; what it promises of them is less. */
function sharedWith(other: string): string {
  return `its directory is that of ${other}, or one is inside the other: ReadWriteOnce then holds for each volume, not for the directory`;
}

/** A new volume that is reserved by name alone would give this data to whoever makes a claim of that name. */
function withoutClaim({ status }: PersistentVolume): string {
  return `it is ${status?.phase}: its claim was deleted, and no later claim of that name should get its data by accident; --released includes such volumes`;
}

const staysReleased =
  'the new volume is Released too: no claim gets it until you change its claimRef, which has the uid of the deleted claim';

/** The next step is to delete the claim, so such a volume is not printed. */
function notRetained(volume: string): string {
  const patch = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}';
  return `its reclaim policy is not Retain: the old driver would delete its data when its claim is gone; first: kubectl patch pv ${volume} --patch '${patch}'`;
}
