// node test/setup/main.ts: gets ready what the tests need. What is missing in the end is told in a line;
// under CI=true it is a failure, elsewhere the tests that need it are skipped.
import { imagePackages } from '../image/ensure-image.ts';
import { clusterPackages, ensurePackages, vmPackages } from './debian-packages.ts';
import { ensureGoTool, goToolNames } from './go-tools.ts';
import { ensurePromtool } from './promtool.ts';

const problems = [
  await ensurePackages([...vmPackages, ...clusterPackages, ...imagePackages]),
  await ensurePromtool(),
];
for (const name of goToolNames) problems.push(await ensureGoTool(name));
for (const problem of problems) if (problem !== undefined) console.log(`setup: ${problem}`);
if (problems.some((problem) => problem !== undefined) && process.env.CI === 'true') process.exitCode = 1;
