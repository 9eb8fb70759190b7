import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CsiError } from '../errors/csi-error.ts';
import { keyOf, parseVolumeId } from '../volumes/volume-id.ts';
import { type Call, type Interceptor, stringField } from './call.ts';

/**
 * One lock per volume, and per snapshot. A call that finds it taken is ABORTED at once, as the spec advises (CSI "Concurrency"),
 * and its caller repeats it. Attaching and publishing at several places share the volume and exclude each other
 * at the same place only: eight pods that start at once are not an error.
 */
type Scope = 'volume' | 'place';

const scopes: Readonly<Record<string, Scope>> = {
  CreateVolume: 'volume',
  DeleteVolume: 'volume',
  CreateSnapshot: 'volume',
  DeleteSnapshot: 'volume',
  CreateVolumeGroupSnapshot: 'volume',
  DeleteVolumeGroupSnapshot: 'volume',
  ControllerExpandVolume: 'volume',
  ControllerModifyVolume: 'volume',
  ControllerPublishVolume: 'place',
  ControllerUnpublishVolume: 'place',
  NodeStageVolume: 'volume',
  NodeUnstageVolume: 'volume',
  NodePublishVolume: 'place',
  NodeUnpublishVolume: 'place',
  NodeExpandVolume: 'place',
};

/** By what the field of its id begins with. */
const subjects: Readonly<Record<string, RegExp>> = {
  group_snapshot: /GroupSnapshot$/,
  snapshot: /Snapshot$/,
};

interface Holder {
  readonly method: string;
  readonly since: number;
}

interface Lock {
  exclusive: Holder | undefined;
  readonly shared: Set<Holder>;
}

/** Makes the interceptor that holds a call's locks until its work has ended, whoever still waits for it. */
export function locking(log: Logger): Interceptor {
  const locks = new Map<string, Lock>();

  function take(call: Call, key: string, exclusive: boolean, holder: Holder): () => void {
    const lock = locks.get(key) ?? { exclusive: undefined, shared: new Set<Holder>() };
    const other = lock.exclusive ?? (exclusive ? lock.shared.values().next().value : undefined);
    if (other !== undefined) throw busy(log, call, other);
    locks.set(key, lock);
    if (exclusive) lock.exclusive = holder;
    else lock.shared.add(holder);
    return () => {
      if (exclusive) lock.exclusive = undefined;
      else lock.shared.delete(holder);
      if (lock.exclusive === undefined && lock.shared.size === 0) locks.delete(key);
    };
  }

  return async (call, next) => {
    const scope = scopes[call.method];
    if (scope === undefined) return next();
    const holder = { method: call.method, since: performance.now() };
    const about = `${call.service} ${subjectOf(call)}`;
    const release = take(call, about, scope === 'volume', holder);
    try {
      const releasePlace =
        scope === 'place' ? take(call, `${about} ${placeOf(call)}`, true, holder) : undefined;
      try {
        return await next();
      } finally {
        releasePlace?.();
      }
    } finally {
      release();
    }
  };
}

/**
 * The same text for the name of a volume or a snapshot, while it has no id, and for the id it gets. The pool is left out: CreateVolume
 * need not name it, and one name on two pools, which no CO asks for, costs no more than a repeated call.
 */
function subjectOf(call: Call): string {
  const kind = ['group_snapshot', 'snapshot'].find((each) => subjects[each]?.test(call.method)) ?? 'volume';
  const id = stringField(call, `${kind}_id`);
  return `${kind} ${id === '' ? keyOf(stringField(call, 'name')) : (parseVolumeId(id)?.key ?? id)}`;
}

function placeOf(call: Call): string {
  return stringField(call, 'target_path') || stringField(call, 'volume_path') || stringField(call, 'node_id');
}

function busy(log: Logger, call: Call, holder: Holder): CsiError {
  const seconds = ((performance.now() - holder.since) / 1000).toFixed(1);
  log.info(
    { method: call.method, holder: holder.method, holderAgeSeconds: Number(seconds) },
    'a call waits for another one',
  );
  return new CsiError(
    status.ABORTED,
    'volume-busy',
    `Another call for the same (${holder.method}, running for ${seconds} s) has not ended; repeat this one later.`,
  );
}
