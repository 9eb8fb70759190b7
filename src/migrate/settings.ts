import type { DriverFlags } from '../driver-flags.ts';
import { driverName } from '../settings.ts';
import { Servers } from './find-pool.ts';
import type { Options } from './plan.ts';

/** The flags of `berth migrate` as they were given, or their variables; config and driver have no default here. */
export interface MigrateFlags {
  readonly config?: string;
  readonly driverName?: string;
  readonly sameServer: readonly string[];
  readonly provisioner: readonly string[];
  readonly handWritten: boolean;
  readonly released: boolean;
}

export interface MigrateSettings extends Omit<Options, 'pools'> {
  readonly configFile: string;
}

/** Checks the flags; what is missing is that of the driver here, or the default. Throws UsageError. */
export function readMigrateSettings(flags: MigrateFlags, driver: DriverFlags): MigrateSettings {
  return {
    configFile: flags.config ?? driver.config ?? '/etc/berth/config.yaml',
    driver: driverName(flags.driverName ?? driver['driver-name'] ?? 'csi.berth.dev'),
    servers: new Servers(flags.sameServer),
    provisioners: flags.provisioner,
    handWritten: flags.handWritten,
    released: flags.released,
  };
}
