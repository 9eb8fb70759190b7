import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { readSnapshot } from '../volumes/snapshots/snapshot-records.ts';
import { keyOf, parseVolumeId } from '../volumes/volume-id.ts';
import type { CreateSnapshotRequest, CreateSnapshotResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { findDynamic, notFound } from './find-volume.ts';
import { refuseSnapshotParameters } from './snapshot-parameters.ts';
import { takeSnapshot } from './take-snapshot.ts';

/**
 * CSI CreateSnapshot: a copy of the volume's directory or image, on its pool. It goes on when the call has ended, and is
 * ready to use once a repeated call says so.
 */
export async function createSnapshot(
  { stores, accessibility }: ControllerDeps,
  request: CreateSnapshotRequest,
): Promise<CreateSnapshotResponseInit> {
  const { source_volume_id: sourceId, name } = request;
  refuseSnapshotParameters(request.parameters);
  const id = parseVolumeId(sourceId);
  const store = id && stores.find(id.pool);
  if (store === undefined || id === undefined) throw notFound(sourceId);
  await accessibility.refuseUnreachable(store, request.accessibility_requirements);
  const key = keyOf(name);
  const pool = await accessibility.describe(store);
  const known = await store.pool.use((state, tree) => readSnapshot(state, tree, key));
  if (known !== undefined) {
    if (known.source !== id.key || known.name !== name) throw exists(name);
    return { snapshot: describeSnapshot(pool, key, known) };
  }
  const found = await findDynamic(stores, sourceId);
  if (found === undefined) throw notFound(sourceId);
  const volume = { key: id.key, record: found.record };
  return { snapshot: await takeSnapshot({ store, pool }, { key, name, volume, created: Date.now() }) };
}

function exists(name: string): CsiError {
  return new CsiError(
    status.ALREADY_EXISTS,
    'snapshot-exists-differently',
    `A snapshot named ${name} exists already, of another volume; choose another name.`,
  );
}
