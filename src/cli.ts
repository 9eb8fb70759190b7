import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addDoctor } from './doctor/command.ts';
import { UsageError } from './errors/usage-error.ts';
import { addMigrate } from './migrate/command.ts';
import { option } from './option.ts';
import { runDriver } from './run-driver.ts';
import { type Flags, type Mode, readSettings } from './settings.ts';

const commands: readonly { readonly mode: Mode; readonly description: string }[] = [
  { mode: 'controller', description: 'serve the Identity and Controller services' },
  { mode: 'node', description: 'serve the Identity and Node services' },
  { mode: 'all', description: 'serve all services on one socket: one machine, development, csi-sanity' },
  {
    mode: 'local',
    description: 'the same on each of many nodes, each with local pools of its own, which it attaches itself',
  },
];

const names = [...commands.map(({ mode }) => mode), 'doctor', 'migrate'];

function program(): Command {
  const { CSI_ENDPOINT: endpoint, NODE_ID: nodeId } = process.env;
  const root = new Command('berth')
    .description('A CSI driver: volumes for Kubernetes out of plain storage.')
    .version(packageJson.version)
    .showSuggestionAfterError(false)
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Flags and their variables: berth ${names.join('|')} --help.
CSI_ENDPOINT and NODE_ID stand in for BERTH_ENDPOINT and BERTH_NODE_ID where those are not set.`,
    )
    // Wrong uses are told by `fail`, in one line; commander would print the whole help for some of them.
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  for (const { mode, description } of commands) {
    const ignored = mode === 'controller' ? '; ignored by controller' : '';
    root
      .command(mode)
      .description(description)
      .addOption(
        option(
          '--endpoint <url>',
          'UNIX socket to serve on; CSI_ENDPOINT stands in',
          'BERTH_ENDPOINT',
          endpoint ?? 'unix:///csi/csi.sock',
        ),
      )
      .addOption(
        option('--config <file>', 'config file with the pools', 'BERTH_CONFIG', '/etc/berth/config.yaml'),
      )
      .addOption(option('--driver-name <name>', 'name of the driver', 'BERTH_DRIVER_NAME', 'csi.berth.dev'))
      .addOption(
        option('--node-id <name>', `name of this node; NODE_ID stands in${ignored}`, 'BERTH_NODE_ID', nodeId),
      )
      .addOption(
        option(
          '--max-volumes-per-node <n>',
          `volumes that may be attached to this node; 0: no limit${ignored}`,
          'BERTH_MAX_VOLUMES_PER_NODE',
          '0',
        ),
      )
      .addOption(option('--state-dir <dir>', 'where pools are mounted', 'BERTH_STATE_DIR', '/var/lib/berth'))
      .addOption(
        option(
          '--registration-dir <dir>',
          `kubelet's folder plugins_registry, to register there without the sidecar; empty: not${ignored}`,
          'BERTH_REGISTRATION_DIR',
        ),
      )
      .addOption(
        option(
          '--log-level <level>',
          'fatal, error, warn, info, debug, trace or silent',
          'BERTH_LOG_LEVEL',
          'info',
        ),
      )
      .addOption(
        option(
          '--http <address>',
          'where /healthz, /readyz and /metrics are served; off: nowhere',
          'BERTH_HTTP',
          '127.0.0.1:9808',
        ),
      )
      .allowExcessArguments(false)
      .action(async (flags: Flags) => {
        try {
          await runDriver(readSettings(mode, flags), packageJson.version);
        } catch (error) {
          await fail(error);
          // Whatever is still open would keep a process that serves nobody, and that so nobody starts anew.
          process.exit();
        }
      });
  }
  addDoctor(root);
  addMigrate(root);
  return root;
}

/** One line for people; exit status 2 is a wrong use, 1 a failure. Resolves when it is written. */
async function fail(error: unknown): Promise<void> {
  // The help or the version that was asked for.
  if (error instanceof CommanderError && error.exitCode === 0) return;
  const line = complaint(error).replace(/[\u0000-\u001f\u007f]+/g, ' ');
  process.exitCode = error instanceof CommanderError || error instanceof UsageError ? 2 : 1;
  await new Promise<void>((resolve) => {
    process.stderr.write(`berth: ${line}\n`, () => resolve());
  });
}

function complaint(error: unknown): string {
  if (!(error instanceof CommanderError)) return error instanceof Error ? error.message : String(error);
  const expected = `expected ${names.join(', ')}`;
  const text = error.message.replace(/^error: /, '').replace(/\.$/, '');
  switch (error.code) {
    // What commander wanted to print, since nothing was asked for.
    case 'commander.help':
      return `the command is missing: ${expected}; see berth --help`;
    case 'commander.unknownCommand':
      return `${text}: ${expected}; see berth --help`;
    default:
      return `${text}; see berth --help`;
  }
}

program().parseAsync().catch(fail);
