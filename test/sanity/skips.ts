// Which specs of csi-sanity may be skipped.
import type { Spec } from '../support/ginkgo-report.ts';

const createVolume = 'Controller Service [Controller Server] CreateVolume';

/**
 * Capabilities that Berth does not have yet, each with the specs that need it, by the beginning of their names. One
 * that is not in here may not be skipped.
 */
const lacking: Readonly<Record<string, readonly string[]>> = {
  'group snapshots': [
    'GroupController Service [GroupController Server] ',
    'GroupController Service [GroupController VolumeGroupSnapshots] ',
  ],
  snapshots: [
    'CreateSnapshot [Controller Server] ',
    'DeleteSnapshot [Controller Server] ',
    'GetSnapshot [Controller Server] ',
    'ListSnapshots [Controller Server] ',
    `${createVolume} should create volume from an existing source snapshot`,
    `${createVolume} should fail when the volume source snapshot is not found`,
  ],
  clone: [
    `${createVolume} should create volume from an existing source volume`,
    `${createVolume} should fail when the volume source volume is not found`,
  ],
};

/** The capability a skipped spec needs; undefined if it should not have been skipped. */
export function missingCapability({ name }: Spec): string | undefined {
  const found = Object.entries(lacking).find(([, specs]) => specs.some((spec) => name.startsWith(spec)));
  return found?.[0];
}
