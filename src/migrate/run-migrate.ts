import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { loadConfig } from '../config/load.ts';
import { UsageError } from '../errors/usage-error.ts';
import { driverName } from '../settings.ts';
import { readObjects } from './documents.ts';
import { Servers } from './find-pool.ts';
import { claimManifest, type Migrated, volumeManifest } from './manifest.ts';
import { type Claim, pickObjects } from './objects.ts';
import { planMigration } from './plan.ts';

/** The flags of `berth migrate`, after their variables and defaults. */
export interface MigrateFlags {
  readonly config: string;
  readonly driverName: string;
  readonly sameServer: readonly string[];
  readonly provisioner: readonly string[];
  readonly handWritten: boolean;
}

/**
 * Reads PersistentVolumes from standard input and prints those of Berth for the same directories; on standard error one
 * line for each volume that there is something to say of. Resolves with the exit status: 1 where one cannot be migrated.
 * Throws UsageError for a wrong flag, config or input.
 */
export async function runMigrate(flags: MigrateFlags): Promise<number> {
  const driver = driverName(flags.driverName);
  const pools = loadConfig(flags.config);
  const servers = new Servers(flags.sameServer);
  if (process.stdin.isTTY) {
    throw new UsageError(
      'standard input is a terminal; pipe into it what "kubectl get pv,pvc --all-namespaces -o json" prints',
    );
  }
  const { volumes, claims } = pickObjects(readObjects(await text(process.stdin)));
  const { migrated, refused, notes } = planMigration(volumes, {
    pools,
    servers,
    driver,
    provisioners: flags.provisioner,
    handWritten: flags.handWritten,
  });
  const manifests = [...migrated.map(volumeManifest), ...migrated.flatMap((each) => claimOf(each, claims))];
  process.stdout.write(manifests.map(toYaml).join('---\n'));
  for (const { volume, text } of [...notes, ...refused]) process.stderr.write(`berth: ${volume}: ${text}\n`);
  process.stderr.write(
    `berth: ${migrated.length} of ${volumes.length} PersistentVolumes migrated, ${refused.length} cannot be\n`,
  );
  return refused.length > 0 ? 1 : 0;
}

/** kubectl reads YAML 1.1, in which a plain `yes` is no string. */
function toYaml(manifest: object): string {
  return stringify(manifest, { schema: 'yaml-1.1', lineWidth: 0 });
}

/** The claim that is bound to the old volume, if the input has it. */
function claimOf({ old, name }: Migrated, claims: readonly Claim[]): object[] {
  const bound = claims.find(
    ({ metadata, spec }) =>
      spec.volumeName === old.metadata.name &&
      metadata.namespace === old.spec.claimRef?.namespace &&
      metadata.name === old.spec.claimRef?.name,
  );
  return bound === undefined ? [] : [claimManifest(bound, name)];
}
