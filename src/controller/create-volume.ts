import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { formatSource } from '../volumes/copies/source-ref.ts';
import { createDirectory } from '../volumes/directory/directory.ts';
import { imageSize } from '../volumes/image/image-size.ts';
import { imageAsked, kindOf } from '../volumes/kind.ts';
import { readMutableParameters, readParameters } from '../volumes/parameters.ts';
import { newRecordId, type VolumeRecord } from '../volumes/state/record.ts';
import { keyOf } from '../volumes/volume-id.ts';
import type { CreateVolumeRequest, CreateVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { type CapacityRange, fits, readCapacityRange } from './capacity-range.ts';
import { createFromSource } from './create-from-source.ts';
import type { ControllerDeps } from './deps.ts';
import { describeVolume } from './describe-volume.ts';
import { readSource } from './volume-source.ts';

const defaultMode = 0o777;
/** Of an image's directory: pods never see it. */
const imageMode = 0o700;

/**
 * CSI CreateVolume: a directory on a pool, or an image in one, empty or made from a snapshot or from another volume. A
 * repeated request gets the volume of the first.
 */
export async function createVolume(
  { stores, accessibility }: ControllerDeps,
  request: CreateVolumeRequest,
): Promise<CreateVolumeResponseInit> {
  const parameters = readParameters(request.parameters, request.name);
  const mutable = readMutableParameters(request.mutable_parameters);
  const store = stores.choose(parameters.pool);
  const image = imageAsked(request.volume_capabilities, parameters);
  const kind = kindOf(image, store.config.kind);
  const capabilities = request.volume_capabilities.map((capability) => readCapability(capability, kind));
  const readOnly = capabilities.every((capability) => capability.readOnly);
  const source = readSource(request.volume_content_source);
  const range = readCapacityRange(request.capacity_range);
  await accessibility.refuseUnreachable(store, request.accessibility_requirements);
  const key = keyOf(request.name);
  const onDelete = mutable.onDelete ?? parameters.onDelete ?? 'delete';
  const wanted: VolumeRecord = {
    id: newRecordId(),
    revision: 0,
    name: request.name,
    subDir: parameters.subDir ?? key,
    capacity: image === undefined ? range.required : imageSize(range, image.fsType),
    onDelete,
    askedOnDelete: onDelete,
    ...(parameters.archiveTtl === undefined ? {} : { archiveTtl: parameters.archiveTtl }),
    mode: parameters.mode ?? (image === undefined ? defaultMode : imageMode),
    // A copied directory has the owner and the mode of what it is copied from.
    ...(parameters.uid === undefined || source !== undefined ? {} : { uid: parameters.uid }),
    ...(parameters.gid === undefined || source !== undefined ? {} : { gid: parameters.gid }),
    ...(image === undefined ? {} : { image }),
    ...(source === undefined ? {} : { from: { kind: source.kind, key: source.key } }),
  };
  const record = await (source === undefined
    ? store.pool.use((state, tree) => createDirectory(state, tree, key, wanted))
    : createFromSource(stores, store, source, { key, wanted, range, readOnly }));
  refuseIncompatible(record, wanted, range);
  if (record.shared !== undefined && !readOnly) throw existsDifferently(wanted.name, 'access mode');
  store.inventory.note(key, record);
  return { volume: describeVolume(await accessibility.describe(store), { key, record }) };
}

function refuseIncompatible(record: VolumeRecord, wanted: VolumeRecord, range: CapacityRange): void {
  const differing = [
    record.name === wanted.name ? [] : ['name'],
    fits(record.capacity, range) ? [] : ['capacity'],
    record.subDir === wanted.subDir ? [] : ['subDir'],
    record.askedOnDelete === wanted.askedOnDelete ? [] : ['onDelete'],
    record.archiveTtl === wanted.archiveTtl ? [] : ['archiveTTL'],
    record.mode === wanted.mode || isCopiedDirectory(record) ? [] : ['mode'],
    record.uid === wanted.uid && record.gid === wanted.gid ? [] : ['uid or gid'],
    (record.image === undefined) === (wanted.image === undefined) ? [] : ['volumeMode or fstype'],
    record.image?.fsType === wanted.image?.fsType ? [] : ['fstype'],
    record.image?.thick === wanted.image?.thick ? [] : ['allocation'],
    sourceOf(record) === sourceOf(wanted) ? [] : ['source'],
  ].flat();
  if (differing.length === 0) return;
  throw existsDifferently(wanted.name, differing.join(', '));
}

function existsDifferently(name: string, what: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'volume-exists-differently',
    `A volume named ${name} exists already, with another ${what}; choose another name, or ask for the same.`,
  );
}

function isCopiedDirectory({ from, image }: VolumeRecord): boolean {
  return from !== undefined && image === undefined;
}

function sourceOf({ from }: VolumeRecord): string | undefined {
  return from && formatSource(from);
}
