import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';

/** What external-snapshotter adds with --extra-create-metadata. */
const metadata = /^csi\.storage\.k8s\.io\/volume(group)?snapshot/;

/** Throws INVALID_ARGUMENT for a parameter of a snapshot class: there is none that Berth knows. */
export function refuseSnapshotParameters(parameters: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(parameters).find((key) => !metadata.test(key));
  if (unknown === undefined) return;
  const shown = unknown.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
  throw new CsiError(
    status.INVALID_ARGUMENT,
    'parameter-invalid',
    `The parameter "${shown}" of the snapshot class is not known; a class of snapshots for Berth has none.`,
  );
}
