import type {
  VolumeCapabilityAccessModeMode,
  VolumeCapabilityInit,
} from '../../src/wire/generated/csi-types.ts';

/** A mounted directory in the given access mode, as kubelet and the sidecars ask for it. */
export function mountCapability(
  mode: VolumeCapabilityAccessModeMode,
  mountFlags: readonly string[] = [],
): VolumeCapabilityInit {
  return { access_type: 'mount', mount: { mount_flags: mountFlags }, access_mode: { mode } };
}
