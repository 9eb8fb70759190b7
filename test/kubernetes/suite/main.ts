// npm run test:e2e [-- FOCUS]: Kubernetes' own External Storage suite against Berth, installed from the chart.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cluster } from '../bed/cluster.ts';
import { ensureSuitePrograms, program, suiteProgram } from '../bed/go-programs.ts';
import { basicImages, snapshotImages, suiteImages } from '../bed/images.ts';
import { installBerth, uninstallBerth } from '../bed/install.ts';
import { waitForNoLeftovers } from '../bed/leftovers.ts';
import { installNodeLocal, uninstallNodeLocal } from '../bed/node-local.ts';
import { prepare } from '../bed/prepare.ts';
import { defineSnapshots } from '../bed/snapshots.ts';
import { leftOut } from './left-out.ts';
import { summary } from './report.ts';

/** Specs that run at the same time: most of each is waiting. */
const procs = 3;
const focus = ['External.Storage', ...process.argv.slice(2)].join('.*');

await ensureSuitePrograms();
const disk = await prepare([...basicImages, ...snapshotImages, ...suiteImages]);
const cluster = await Cluster.start(disk);
try {
  await defineSnapshots(cluster.kubectl);
  // The suite fills a node up to its limit, which is to be small, with room for specs at the same time.
  await installBerth(cluster, ['node.maxVolumes=12']);
  await installNodeLocal(cluster);
  for (const { name, why } of leftOut) console.log(`left out: ${name.source}: ${why}`);
  const results = join(cluster.directory, 'results');
  await mkdir(results);
  const [file = '', ...args] = cluster.inside([
    program('ginkgo'),
    `--procs=${procs}`,
    // The program has every suite of Kubernetes; those of other components say nothing of a driver.
    `--focus=${focus}`,
    // Each with its reason, which is printed above.
    `--skip=${leftOut.map(({ name }) => name.source).join('|')}`,
    '--timeout=3h',
    '--no-color',
    // A focus that nothing has is a mistake, and no success.
    '--fail-on-empty',
    '--silence-skips',
    `--output-dir=${results}`,
    '--json-report=report.json',
    suiteProgram,
    '--',
    `--kubeconfig=${cluster.adminKubeconfig}`,
    '--provider=skeleton',
    ...(await driverFiles(cluster.directory)).map((path) => `--storage.testdriver=${path}`),
  ]);
  // In a process namespace, with which all of its processes end, however this one does.
  const bound = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--kill-child=KILL', file];
  const suite = spawn('setpriv', [...bound, ...args], { stdio: 'inherit' });
  const [status] = await once(suite, 'exit');
  process.exitCode = status === 0 ? 0 : 1;
  console.log(summary(join(results, 'report.json')));
  await waitForNoLeftovers(cluster);
  await uninstallNodeLocal(cluster);
  await uninstallBerth(cluster);
} finally {
  await cluster.stop();
}

/** The suite reads a class from a file that the driver's own file names. */
async function driverFiles(directory: string): Promise<string[]> {
  const attributes = join(import.meta.dirname, 'volume-attributes-class.yaml');
  const files = ['directories.yaml', 'blocks.yaml', 'node-local.yaml'].map(async (name) => {
    const text = await readFile(join(import.meta.dirname, name), 'utf8');
    const file = join(directory, name);
    await writeFile(file, text.replace('VOLUME_ATTRIBUTES_CLASS', attributes));
    return file;
  });
  return Promise.all(files);
}
