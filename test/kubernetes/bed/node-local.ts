// The second release, whose volumes each node makes for itself, as in docs/kubernetes.md#local-pools.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { checkout } from '../../vm/vm.ts';
import { nodeNames } from './addresses.ts';
import type { Cluster } from './cluster.ts';
import { chart, helm, installValues } from './install.ts';
import { release } from './release.ts';

const name = 'berth-local';
const where = ['--namespace', release.namespace];
const wait = ['--wait', '--timeout', '10m'];
const values = join(checkout, 'test/deploy/values/per-node.yaml');

/** The pool on each node. */
export const nodeLocalFolder = '/var/lib/berth-disk';

/** Beside the release for NFS. */
export async function installNodeLocal(cluster: Cluster): Promise<void> {
  const image = installValues.filter((value) => value.startsWith('image.'));
  await helm(cluster, [
    ...['install', name, chart, ...where, '--values', values, ...wait],
    ...image.flatMap((value) => ['--set', value]),
  ]);
}

/** Once its volumes are gone; nothing of them may be left on a node. */
export async function uninstallNodeLocal(cluster: Cluster): Promise<void> {
  const drivers = '{range .items[*]}{.spec.csi.driver}{"\\n"}{end}';
  await cluster.kubectl.until(['pv'], drivers, /^(?!.*local\.csi)/s);
  await helm(cluster, ['uninstall', name, ...where, ...wait]);
  for (const node of nodeNames) {
    const left = await cluster.nodes[node].run(`cd ${nodeLocalFolder} && ls && ls .berth/volumes`);
    assert.equal(left, '', `on the node ${node}`);
    await cluster.nodes[node].run(`rm -r ${nodeLocalFolder}`);
  }
}
