import type { Command } from 'commander';
import { option } from '../option.ts';
import type { MigrateFlags } from './run-migrate.ts';

/** Adds `migrate`. */
export function addMigrate(root: Command): void {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  root
    .command('migrate')
    .description(
      'read PersistentVolumes of csi-driver-nfs and nfs-subdir-external-provisioner as JSON from standard input, and print those of Berth for the same data',
    )
    .addOption(
      option('--config <file>', 'config file with the pools', 'BERTH_CONFIG', '/etc/berth/config.yaml'),
    )
    .addOption(option('--driver-name <name>', 'name of the driver', 'BERTH_DRIVER_NAME', 'csi.berth.dev'))
    .option('--same-server <one=other>', 'two names or addresses of one server; may be repeated', collect, [])
    .option(
      '--provisioner <name>',
      'a further name of an nfs-subdir-external-provisioner; may be repeated',
      collect,
      [],
    )
    .option('--hand-written', 'also nfs volumes that no provisioner made', false)
    .allowExcessArguments(false)
    .action(async (flags: MigrateFlags) => {
      // Loaded here: a driver does without.
      const { runMigrate } = await import('./run-migrate.ts');
      process.exitCode = await runMigrate(flags);
    });
}
