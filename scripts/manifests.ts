// npm run manifests: renders deploy/kubernetes/berth.yaml from deploy/chart.
import { writeFile } from 'node:fs/promises';
import { ensureGoTool } from '../test/setup/go-tools.ts';
import { manifestFile, renderManifests } from './manifests/render.ts';

const problem = await ensureGoTool('helm 4');
if (problem === undefined) await writeFile(manifestFile, await renderManifests());
else {
  console.error(problem);
  process.exitCode = 1;
}
