import type { Command } from 'commander';
import { option } from '../option.ts';
import type { MigrateFlags } from './settings.ts';

/** Adds `migrate`. */
export function addMigrate(root: Command): void {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  root
    .command('migrate')
    .description(
      'read PersistentVolumes of csi-driver-nfs and nfs-subdir-external-provisioner as JSON from standard input, and print those of Berth for the same data',
    )
    .addOption(
      option(
        '--config <file>',
        "config file with the pools; default: that of this container's driver, else /etc/berth/config.yaml",
        'BERTH_CONFIG',
      ),
    )
    .addOption(
      option(
        '--driver-name <name>',
        "name of the driver; default: that of this container's driver, else csi.berth.dev",
        'BERTH_DRIVER_NAME',
      ),
    )
    .option('--same-server <one=other>', 'two names or addresses of one server; may be repeated', collect, [])
    .option(
      '--provisioner <name>',
      'a further name of an nfs-subdir-external-provisioner; may be repeated',
      collect,
      [],
    )
    .option('--hand-written', 'also nfs volumes that no provisioner made', false)
    .option('--released', 'also volumes whose claims were deleted; no claim gets the new ones', false)
    .allowExcessArguments(false)
    .action(async (flags: MigrateFlags) => {
      // Loaded here: a driver does without.
      const { runMigrate } = await import('./run-migrate.ts');
      const { readMigrateSettings } = await import('./settings.ts');
      const { driverFlags } = await import('../driver-flags.ts');
      process.exitCode = await runMigrate(readMigrateSettings(flags, driverFlags()));
    });
}
