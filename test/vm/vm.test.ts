import { test } from 'node:test';
import { runTestsInVm } from './relay.ts';

test('scenarios on a kernel NFS server and two nodes', (t) =>
  runTestsInVm(t, { files: 'test/vm/scenarios/*.test.ts' }));
