// Berth on the cluster, from the chart, as a user would install it.
import { resolve } from 'node:path';
import { execa } from 'execa';
import { goTool } from '../../setup/go-tools.ts';
import { addresses } from './addresses.ts';
import type { Cluster } from './cluster.ts';
import { release } from './release.ts';
import { hasSnapshots } from './snapshots.ts';

export const chart = resolve(import.meta.dirname, '../../../deploy/chart');

/** What the README's command sets, and the image, which no registry has. */
export const installValues: readonly string[] = [
  `nfs.server=${addresses.server}`,
  'nfs.path=/',
  'image.repository=localhost/berth',
  'image.tag=dev',
];

/** helm with these arguments, against this cluster. Waits are its own (`--timeout`). */
export async function helm(cluster: Cluster, args: readonly string[]): Promise<string> {
  const [file = '', ...first] = cluster.inside([goTool('helm 4'), '--kubeconfig', cluster.adminKubeconfig]);
  const { stdout } = await execa(file, [...first, ...args], { timeout: 10 * 60_000 });
  return stdout;
}

/** Installs the chart, or upgrades to these values, and waits until all of it is ready. */
export async function installBerth(cluster: Cluster, values: readonly string[] = []): Promise<string> {
  const more = (await hasSnapshots(cluster.kubectl)) ? ['snapshots.controller.enabled=true'] : [];
  const set = [...installValues, ...more, ...values].flatMap((value) => ['--set', value]);
  const where = ['--namespace', release.namespace, '--create-namespace'];
  return helm(cluster, [
    ...['upgrade', '--install', release.name, chart, ...where, ...set],
    ...['--wait', '--timeout', '5m'],
  ]);
}

export async function uninstallBerth(cluster: Cluster): Promise<void> {
  await helm(cluster, [
    'uninstall',
    release.name,
    '--namespace',
    release.namespace,
    '--wait',
    '--timeout',
    '5m',
  ]);
  await cluster.kubectl.run(['delete', 'namespace', release.namespace, '--wait']);
}
