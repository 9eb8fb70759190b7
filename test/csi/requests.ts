import type { VolumeCapabilityAccessModeMode } from '../../src/wire/generated/csi-types.ts';

/** The gRPC codes that tests expect. */
export const code = {
  invalid: 3,
  deadline: 4,
  notFound: 5,
  exists: 6,
  exhausted: 8,
  precondition: 9,
  aborted: 10,
  range: 11,
  internal: 13,
  unavailable: 14,
} as const;

/** A mount capability of this access mode. */
export function capability(mode: VolumeCapabilityAccessModeMode = 'MULTI_NODE_MULTI_WRITER') {
  return { access_mode: { mode }, mount: {} };
}

/** A CreateVolume request with what every one needs. */
export function request(name: string, parameters: Record<string, string> = {}) {
  return { name, volume_capabilities: [capability()], parameters };
}
