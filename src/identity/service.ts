import type { Handlers } from '../wire/csi.ts';
import type { Services } from '../wire/generated/csi-types.ts';

export interface IdentityDeps {
  readonly driverName: string;
  readonly version: string;
}

/** The Identity service. Probe asks nobody: a dead server must not make kubelet or a sidecar end the driver. */
export function identityService({ driverName, version }: IdentityDeps): Handlers<Services['Identity']> {
  return {
    GetPluginInfo: async () => ({ name: driverName, vendor_version: version }),
    GetPluginCapabilities: async () => ({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { service: { type: 'GROUP_CONTROLLER_SERVICE' } },
        { service: { type: 'SNAPSHOT_METADATA_SERVICE' } },
        { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
        { service: { type: 'SNAPSHOT_ACCESSIBILITY_CONSTRAINTS' } },
        { volume_expansion: { type: 'ONLINE' } },
      ],
    }),
    Probe: async () => ({ ready: { value: true } }),
  };
}
