import { Command, CommanderError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { UsageError } from './errors/usage-error.ts';
import { runDriver } from './run-driver.ts';
import { type Flags, type Mode, readSettings } from './settings.ts';

const commands: readonly { readonly mode: Mode; readonly description: string }[] = [
  { mode: 'controller', description: 'serve the Identity and Controller services' },
  { mode: 'node', description: 'serve the Identity and Node services' },
  { mode: 'all', description: 'serve all services on one socket: one machine, development, csi-sanity' },
];

function option(flags: string, description: string, env: string, fallback?: string): Option {
  const made = new Option(flags, description).env(env);
  return fallback === undefined ? made : made.default(fallback);
}

function program(): Command {
  const { CSI_ENDPOINT: endpoint, NODE_ID: nodeId } = process.env;
  const root = new Command('berth')
    .description('A CSI driver: volumes for Kubernetes out of plain storage.')
    .version(packageJson.version)
    .showSuggestionAfterError(false)
    .exitOverride();
  for (const { mode, description } of commands) {
    root
      .command(mode)
      .description(description)
      .addOption(
        option(
          '--endpoint <url>',
          'UNIX socket to serve on',
          'BERTH_ENDPOINT',
          endpoint ?? 'unix:///csi/csi.sock',
        ),
      )
      .addOption(
        option('--config <file>', 'config file with the pools', 'BERTH_CONFIG', '/etc/berth/config.yaml'),
      )
      .addOption(option('--driver-name <name>', 'name of the driver', 'BERTH_DRIVER_NAME', 'csi.berth.dev'))
      .addOption(option('--node-id <name>', 'name of this node', 'BERTH_NODE_ID', nodeId))
      .addOption(
        option(
          '--max-volumes-per-node <n>',
          'volumes that may be attached to a node; 0: no limit',
          'BERTH_MAX_VOLUMES_PER_NODE',
          '0',
        ),
      )
      .addOption(option('--state-dir <dir>', 'where pools are mounted', 'BERTH_STATE_DIR', '/var/lib/berth'))
      .addOption(
        option(
          '--log-level <level>',
          'fatal, error, warn, info, debug, trace or silent',
          'BERTH_LOG_LEVEL',
          'info',
        ),
      )
      .allowExcessArguments(false)
      .action((flags: Flags) => runDriver(readSettings(mode, flags), packageJson.version));
  }
  return root;
}

/** One line for people; exit status 2 is a wrong use, 1 a failure. */
function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    // commander has printed its line, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof UsageError) {
    process.stderr.write(`berth: ${error.message}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`berth: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

program().parseAsync().catch(fail);
