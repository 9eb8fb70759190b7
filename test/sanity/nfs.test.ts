import { test } from 'node:test';
import { runTestsInVm } from '../vm/relay.ts';
import { requireCsiSanity } from './require-sanity.ts';

test('csi-sanity passes on a kernel NFS mount', async (t) => {
  if (!(await requireCsiSanity(t))) return;
  await runTestsInVm(t, { files: 'test/sanity/nfs-in-vm.ts', timeout: 12 * 60_000 });
});
