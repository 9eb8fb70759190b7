import { CsiError } from '../../src/errors/csi-error.ts';
import type { VolumeRecord } from '../../src/volumes/state/record.ts';

/** The record of a volume, as CreateVolume would make it. */
export function volumeRecord(overrides: Partial<VolumeRecord> & { readonly name: string }): VolumeRecord {
  return {
    id: 'AAAAAAAA',
    revision: 0,
    subDir: overrides.name,
    capacity: 1024n,
    onDelete: 'delete',
    askedOnDelete: 'delete',
    mode: 0o777,
    ...overrides,
  };
}

/** For assert.rejects: a CsiError of this reason. */
export const because = (reason: string) => (error: unknown) =>
  error instanceof CsiError && error.reason === reason;
