// node test/setup/main.ts: gets ready what the tests need. What is missing in the end is told in a line;
// under CI=true it is a failure, elsewhere the tests that need it are skipped.
import { ensureCsiSanity } from './csi-sanity.ts';
import { ensurePackages, vmPackages } from './debian-packages.ts';

const problems = [await ensurePackages(vmPackages), await ensureCsiSanity()].filter(
  (problem) => problem !== undefined,
);
for (const problem of problems) console.log(`setup: ${problem}`);
if (problems.length > 0 && process.env.CI === 'true') process.exitCode = 1;
