import { test } from 'node:test';
import { requireGoTool } from '../setup/go-tools.ts';
import { runTestsInVm } from '../vm/relay.ts';

test('csi-sanity passes on a kernel NFS mount', async (t) => {
  if (!(await requireGoTool(t, 'csi-sanity'))) return;
  await runTestsInVm(t, { files: 'test/sanity/nfs-in-vm.ts' });
});
