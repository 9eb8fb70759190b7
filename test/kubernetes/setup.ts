// Debian packages that the cluster needs, beside those of the VM.
import { imagePackages } from '../image/ensure-image.ts';
import { clusterPackages, ensurePackages, vmPackages } from '../setup/debian-packages.ts';

const problem = await ensurePackages([...vmPackages, ...clusterPackages, ...imagePackages]);
if (problem !== undefined) {
  console.error(`setup: ${problem}`);
  process.exitCode = 1;
}
