import { text } from 'node:stream/consumers';
import { loadConfig } from '../config/load.ts';
import { UsageError } from '../errors/usage-error.ts';
import { readObjects } from './documents.ts';
import { claimManifest, type Migrated, volumeManifest } from './manifest.ts';
import { type Claim, pickObjects } from './objects.ts';
import { planMigration } from './plan.ts';
import { isReleased } from './released.ts';
import type { MigrateSettings } from './settings.ts';
import { toYaml } from './yaml.ts';

/**
 * Reads PersistentVolumes from standard input and prints those of Berth for the same directories; on standard error one
 * line for each volume that there is something to say of. Resolves with the exit status: 1 where one cannot be
 * migrated. Throws UsageError for a wrong config or input.
 */
export async function runMigrate({ configFile, ...wanted }: MigrateSettings): Promise<number> {
  const { pools } = loadConfig(configFile);
  if (process.stdin.isTTY) {
    throw new UsageError(
      'standard input is a terminal; pipe into it what "kubectl get pv,pvc --all-namespaces -o json" prints',
    );
  }
  const objects = readObjects(await text(process.stdin));
  const { volumes, claims } = pickObjects(objects);
  if (objects.length > 0 && volumes.length === 0) {
    throw new UsageError(
      `standard input: ${objects.length} objects, and no PersistentVolume among them; give it what "kubectl get pv,pvc --all-namespaces -o json" prints`,
    );
  }
  const { migrated, refused, notes } = planMigration(volumes, { ...wanted, pools });
  const manifests = [...migrated.map(volumeManifest), ...migrated.flatMap((each) => claimOf(each, claims))];
  process.stdout.write(manifests.map(toYaml).join('---\n'));
  const unclaimed = migrated.filter((each) => isBound(each) && claimOf(each, claims).length === 0);
  const withoutClaims = unclaimed.map(({ old }) => ({ volume: old.metadata.name, text: claimMissing(old) }));
  for (const { volume, text } of [...notes, ...withoutClaims, ...refused])
    process.stderr.write(`berth: ${volume}: ${text}\n`);
  process.stderr.write(
    `berth: ${migrated.length} of ${volumes.length} PersistentVolumes migrated, ${refused.length} cannot be\n`,
  );
  return refused.length > 0 ? 1 : 0;
}

function isBound({ old }: Migrated): boolean {
  return old.spec.claimRef !== undefined && !isReleased(old);
}

/** The next step deletes the claim, which would then be in no file. */
function claimMissing({ spec: { claimRef } }: Migrated['old']): string {
  return `its claim ${claimRef?.namespace}/${claimRef?.name} is not in the input, so it is not printed; give it what "kubectl get pv,pvc --all-namespaces -o json" prints`;
}

/** The claim that is bound to the old volume, if the input has it. */
function claimOf({ old, name }: Migrated, claims: readonly Claim[]): object[] {
  // One that names a Released volume is not bound to it.
  if (isReleased(old)) return [];
  const bound = claims.find(
    ({ metadata, spec }) =>
      spec.volumeName === old.metadata.name &&
      metadata.namespace === old.spec.claimRef?.namespace &&
      metadata.name === old.spec.claimRef?.name,
  );
  return bound === undefined ? [] : [claimManifest(bound, name)];
}
