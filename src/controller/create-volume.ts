import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readCapability } from '../volumes/capability.ts';
import { createDirectory } from '../volumes/directory/directory.ts';
import { imageSize } from '../volumes/image/image-size.ts';
import { imageAsked, kindOf } from '../volumes/kind.ts';
import { readMutableParameters, readParameters } from '../volumes/parameters.ts';
import { newRecordId, type VolumeRecord } from '../volumes/state/record.ts';
import { keyOf } from '../volumes/volume-id.ts';
import type { CreateVolumeRequest, CreateVolumeResponseInit } from '../wire/generated/csi-types.ts';
import { type CapacityRange, fits, readCapacityRange } from './capacity-range.ts';
import type { ControllerDeps } from './deps.ts';
import { describeVolume } from './describe-volume.ts';

const defaultMode = 0o777;
/** Of an image's directory: pods never see it. */
const imageMode = 0o700;

/** CSI CreateVolume: a directory on a pool, or an image in one. A repeated request gets the volume of the first. */
export async function createVolume(
  { stores }: ControllerDeps,
  request: CreateVolumeRequest,
): Promise<CreateVolumeResponseInit> {
  const parameters = readParameters(request.parameters, request.name);
  const mutable = readMutableParameters(request.mutable_parameters);
  const store = stores.choose(parameters.pool);
  const image = imageAsked(request.volume_capabilities, parameters);
  const kind = kindOf(image, store.config.kind);
  for (const capability of request.volume_capabilities) readCapability(capability, kind);
  if (request.volume_content_source) throw noSource(request.name);
  const range = readCapacityRange(request.capacity_range);
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
    mode: parameters.mode ?? (image === undefined ? defaultMode : imageMode),
    ...(parameters.uid === undefined ? {} : { uid: parameters.uid }),
    ...(parameters.gid === undefined ? {} : { gid: parameters.gid }),
    ...(image === undefined ? {} : { image }),
  };
  const record = await store.pool.use((state, tree) => createDirectory(state, tree, key, wanted));
  refuseIncompatible(record, wanted, range);
  store.inventory.note(key, record);
  return { volume: describeVolume(store.config.name, { key, record }) };
}

function refuseIncompatible(record: VolumeRecord, wanted: VolumeRecord, range: CapacityRange): void {
  const differing = [
    record.name === wanted.name ? [] : ['name'],
    fits(record.capacity, range) ? [] : ['capacity'],
    record.subDir === wanted.subDir ? [] : ['subDir'],
    record.askedOnDelete === wanted.askedOnDelete ? [] : ['onDelete'],
    record.mode === wanted.mode ? [] : ['mode'],
    record.uid === wanted.uid && record.gid === wanted.gid ? [] : ['uid or gid'],
    (record.image === undefined) === (wanted.image === undefined) ? [] : ['volumeMode or fstype'],
    record.image?.fsType === wanted.image?.fsType ? [] : ['fstype'],
    record.image?.thick === wanted.image?.thick ? [] : ['allocation'],
  ].flat();
  if (differing.length === 0) return;
  throw new CsiError(
    status.ALREADY_EXISTS,
    'volume-exists-differently',
    `A volume named ${wanted.name} exists already, with another ${differing.join(', ')}; choose another name, or ask for the same.`,
  );
}

function noSource(name: string): CsiError {
  return new CsiError(
    status.INVALID_ARGUMENT,
    'source-unsupported',
    `The volume ${name} cannot be made from a snapshot or another volume: this version of Berth makes empty volumes only; leave out the data source.`,
  );
}
