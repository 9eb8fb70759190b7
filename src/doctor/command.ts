import type { Command } from 'commander';
import { option } from '../option.ts';
import type { DoctorFlags } from './settings.ts';

/** Adds `doctor`, and the command by which it has a process of its own work in a pool. */
export function addDoctor(root: Command): void {
  const { CSI_ENDPOINT: endpoint, NODE_ID: nodeId } = process.env;
  root
    .command('doctor')
    .description(
      "look at this machine and the pools, and say what is wrong; flags of this container's driver stand in",
    )
    .addOption(option('--config <file>', 'config file with the pools', 'BERTH_CONFIG'))
    .addOption(option('--pool <name>', 'look at this pool only', 'BERTH_POOL'))
    .addOption(option('--state-dir <dir>', 'where pools are mounted for a moment', 'BERTH_STATE_DIR'))
    .addOption(option('--node-id <name>', 'name of this node; NODE_ID stands in', 'BERTH_NODE_ID', nodeId))
    .addOption(
      option('--endpoint <url>', "the driver's socket; CSI_ENDPOINT stands in", 'BERTH_ENDPOINT', endpoint),
    )
    .addOption(option('--driver-name <name>', 'name of the driver', 'BERTH_DRIVER_NAME'))
    .addOption(
      option('--registration-dir <dir>', "kubelet's folder plugins_registry", 'BERTH_REGISTRATION_DIR'),
    )
    .addOption(option('--timeout <seconds>', 'for each step on a pool', 'BERTH_TIMEOUT', '10'))
    .option('--json', 'print one JSON object')
    .allowExcessArguments(false)
    .action(async (flags: DoctorFlags) => {
      // Loaded here: a driver does without.
      const { runDoctor } = await import('./run-doctor.ts');
      const { readDoctorSettings } = await import('./settings.ts');
      const { driverFlags } = await import('../driver-flags.ts');
      process.exit(await runDoctor(readDoctorSettings(flags, driverFlags())));
    });
  root
    .command('doctor-probe <directory> <name>', { hidden: true })
    .option('--node-id <name>')
    .option('--skip <steps...>')
    .action(async (directory: string, name: string, flags: { nodeId?: string; skip?: string[] }) => {
      const { probe } = await import('./pool/probe.ts');
      probe({ directory, name, nodeId: flags.nodeId, skip: flags.skip ?? [] });
    });
}
